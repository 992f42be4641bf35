//! `siaghsync hash-password`: the hash that FINANCE_PASSWORD takes in place of the password.
//!
//! The password comes from the terminal, without an echo, or from standard input; never from an argument, which others
//! on the machine can read.

use std::ffi::OsString;
use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use console::Term;
use md5::{Digest, Md5};

use super::output::say;

/// As for any other argument that there is not.
const WRONG_USAGE: u8 = 2;

/// Arguments of `hash-password`: none. What is typed there all the same is taken, so that it is not repeated on the terminal.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync hash-password                    asks twice, shows nothing
  siaghsync hash-password < password.txt     the first line of it
FINANCE_PASSWORD takes the password itself or this hash. Whoever has the hash can log in to Siagh: keep it as secret.
Exit codes: 0 done, 1 failed (says why), 2 wrong usage.")]
pub(crate) struct Arguments {
    #[arg(hide = true, num_args = 0.., allow_hyphen_values = true)]
    typed: Vec<OsString>,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.typed.is_empty() {
        eprintln!(
            "siaghsync: passwords are read from the terminal or standard input, never from an argument: others on this machine can \
             read those, and the shell remembers them. Was this one yours, choose another"
        );
        return Ok(ExitCode::from(WRONG_USAGE));
    }
    let password = if std::io::stdin().is_terminal() {
        asked()?
    } else {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text.lines().next().unwrap_or_default().to_owned()
    };
    anyhow::ensure!(!password.is_empty(), "no password was given");
    say!("{}", hash(&password));
    Ok(ExitCode::SUCCESS)
}

fn asked() -> anyhow::Result<String> {
    let terminal = Term::stderr();
    terminal.write_str("Siagh password: ")?;
    let password = terminal.read_secure_line()?;
    terminal.write_str("Once more: ")?;
    let again = terminal.read_secure_line()?;
    anyhow::ensure!(password == again, "the two are not the same; nothing was printed");
    Ok(password)
}

/// As Siagh wants it: MD5 in capitals.
fn hash(password: &str) -> String {
    hex::encode_upper(Md5::digest(password.as_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_md5_in_capitals() {
        assert_eq!(super::hash("123456"), "E10ADC3949BA59ABBE56E057F20F883E");
    }
}
