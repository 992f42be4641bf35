//! The figures of one case on one revision in one round.

/// Figures that are shown only when they are not 0; those of such a run don't count.
const FAULTS: [&str; 4] = ["missing", "wrong", "duplicates", "not done"];

#[derive(Debug, Clone)]
pub struct Table {
    pub case: &'static str,
    pub rows: Vec<(String, f64)>,
}

impl Table {
    pub fn new(case: &'static str) -> Self {
        Self {
            case,
            rows: Vec::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: f64) -> Self {
        self.rows.push((name.into(), value));
        self
    }

    /// A figure that is told only when it is not 0.
    #[must_use]
    pub fn with_any(self, name: &str, count: usize) -> Self {
        match count {
            0 => self,
            count => self.with(name, count as f64),
        }
    }

    /// What is not as it should be.
    #[must_use]
    pub fn judged(self, verdict: Verdict) -> Self {
        self.with_any("missing", verdict.missing)
            .with_any("wrong", verdict.wrong)
            .with_any("duplicates", verdict.duplicates)
    }

    #[must_use]
    pub fn with_all(mut self, rows: impl IntoIterator<Item = (String, f64)>) -> Self {
        self.rows.extend(rows);
        self
    }

    pub fn is_honest(&self) -> bool {
        !self.rows.iter().any(|(name, _)| is_fault(name))
    }
}

pub fn is_fault(name: &str) -> bool {
    FAULTS.contains(&name)
}

/// What finance holds, beside what it should hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    pub missing: usize,
    pub wrong: usize,
    pub duplicates: usize,
}

impl Verdict {
    /// How many of so many arrived as they should.
    pub fn arrived(&self, of: usize) -> usize {
        of.saturating_sub(self.missing + self.wrong)
    }
}

/// The two percentiles of times in seconds, in ms.
pub fn percentiles(what: &str, mut seconds: Vec<f64>) -> Vec<(String, f64)> {
    seconds.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = seconds.len().saturating_sub(1);
        seconds
            .get((last as f64 * share).round() as usize)
            .copied()
            .unwrap_or(f64::NAN)
            * 1e3
    };
    vec![
        (format!("{what} p50, ms"), at(0.5)),
        (format!("{what} p99, ms"), at(0.99)),
    ]
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len(), values.get(middle)) {
        (n, Some(high)) if n % 2 == 0 => f64::midpoint(values[middle - 1], *high),
        (_, Some(value)) => *value,
        (_, None) => f64::NAN,
    }
}
