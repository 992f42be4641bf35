//! Whether the settings and the tables speak of the same companies.

use super::{NotServed, known};
use crate::company::{Companies, Company};
use crate::store::StoreResult;
use crate::store::sql::SqlStore;

pub(super) async fn check(store: &SqlStore, served: &Companies) -> StoreResult<Result<(), NotServed>> {
    // Where nobody has written any down, all that is kept is labelled 100.
    let known = known(store)
        .await?
        .unwrap_or_else(|| Companies::new(Company::default(), []));
    Ok(compare(&known, served))
}

/// One that is not served any more keeps what is known of it.
pub(super) fn compare(known: &Companies, served: &Companies) -> Result<(), NotServed> {
    let (first, asked) = (known.first(), served.first());
    if first != asked {
        return Err(NotServed::OtherFirst { first, asked });
    }
    match served.iter().find(|company| !known.serve(*company)) {
        Some(unknown) => Err(NotServed::Unknown(unknown)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn companies(codes: &[u16]) -> Companies {
        let mut all = codes.iter().map(|code| Company::of(*code).unwrap());
        let first = all.next().unwrap();
        Companies::new(first, all)
    }

    #[test]
    fn the_first_stays_the_first_and_a_new_one_is_written_down_before_it_is_served() {
        let known = companies(&[100, 200]);
        assert_eq!(compare(&known, &companies(&[100, 200])), Ok(()));
        assert_eq!(
            compare(&known, &companies(&[100])),
            Ok(()),
            "one is not served any more"
        );
        let [first, second, third] = [100, 200, 300].map(|code| Company::of(code).unwrap());
        let other = NotServed::OtherFirst { first, asked: second };
        assert_eq!(compare(&known, &companies(&[200, 100])), Err(other));
        assert_eq!(
            compare(&known, &companies(&[100, 300])),
            Err(NotServed::Unknown(third))
        );
    }
}
