//! All rounds as JSON, and what they come to as a table per case: the medians, and the median of the ratios of those that
//! were played in one round.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::{CellAlignment, Table as Drawn, presets};
use domain::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::cases::Scenario;
use crate::machine;
use crate::options::{Options, Revision};
use crate::services::Stage;
use crate::table::{Table, is_fault, median};

const PROGRAMS: [&str; 3] = ["siagh-ingest", "siagh-worker", "siaghsync"];

/// One scenario on one revision.
pub struct Round {
    pub scenario: Scenario,
    pub round: usize,
    pub revision: &'static str,
    /// Or why it failed.
    pub tables: Result<Vec<Table>, String>,
}

pub struct Report {
    head: Value,
    revisions: Vec<&'static str>,
    sizes: Vec<(String, Vec<f64>)>,
    rounds: Vec<Round>,
}

/// A figure of one revision, by round.
type Figures = BTreeMap<usize, f64>;

impl Report {
    pub async fn new(options: &Options, stage: &Stage) -> anyhow::Result<Self> {
        let revisions = options.revisions.iter().map(|one| (one.name, one.commit.clone()));
        let head = json!({
            "at": SystemClock.now(),
            "processor": machine::processor(),
            "cores": machine::cores(),
            "postgres": stage.version().await?,
            "fsync": options.fsync,
            "quick": options.quick,
            "sizes": options.sizes,
            "revisions": revisions.collect::<BTreeMap<_, _>>(),
        });
        let sizes = PROGRAMS.iter().map(|program| {
            let size = |revision: &Revision| {
                let file = std::fs::metadata(revision.program(program));
                file.map_or(f64::NAN, |file| file.len() as f64 / 1e6)
            };
            (
                (*program).to_owned() + ", MB",
                options.revisions.iter().map(size).collect(),
            )
        });
        Ok(Self {
            head,
            revisions: options.revisions.iter().map(|one| one.name).collect(),
            sizes: sizes.collect(),
            rounds: Vec::new(),
        })
    }

    pub fn add(&mut self, round: Round) {
        self.rounds.push(round);
    }

    pub fn is_honest(&self) -> bool {
        let honest = |round: &Round| {
            round
                .tables
                .as_ref()
                .is_ok_and(|tables| tables.iter().all(Table::is_honest))
        };
        self.rounds.iter().all(honest)
    }

    pub fn print(&self) {
        println!("{:#}", self.head);
        let sizes = self
            .sizes
            .iter()
            .map(|(program, sizes)| self.line(program, sizes, &ratio_of(sizes)));
        self.draw("size of the programs", sizes);
        for scenario in Scenario::ALL {
            for case in scenario.cases() {
                let rows = self.rows(case);
                if !rows.is_empty() {
                    self.draw(case, rows.iter().map(|row| self.figure(case, row)));
                }
            }
        }
        for round in &self.rounds {
            if let Err(error) = &round.tables {
                println!("{} of {} failed: {error}", round.scenario.name(), round.revision);
            }
        }
    }

    pub fn write(&self, out: Option<&Path>) -> anyhow::Result<()> {
        let Some(out) = out else { return Ok(()) };
        let rounds = self.rounds.iter().flat_map(|round| {
            let (at, revision) = (round.round + 1, round.revision);
            match &round.tables {
                Ok(tables) => tables.iter().map(|table| {
                    let rows: BTreeMap<_, _> = table.rows.iter().cloned().collect();
                    json!({"case": table.case, "round": at, "revision": revision, "figures": rows})
                }).collect(),
                Err(error) => vec![json!({"case": round.scenario.name(), "round": at, "revision": revision, "failed": error})],
            }
        });
        let sizes: BTreeMap<_, _> = self.sizes.iter().cloned().collect();
        let whole = json!({
            "head": self.head,
            "programs": sizes,
            "figures": self.medians(),
            "rounds": rounds.collect::<Vec<_>>(),
        });
        std::fs::write(out, format!("{whole:#}\n"))?;
        println!("all rounds: {}", out.display());
        Ok(())
    }

    /// The names of a case's figures, in the order in which they were told; faults last.
    fn rows(&self, case: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in self.tables(case).flat_map(|(_, table)| &table.rows) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names.sort_by_key(|name| is_fault(name));
        names
    }

    fn tables<'a>(&'a self, case: &str) -> impl Iterator<Item = (&'a Round, &'a Table)> {
        let played = self
            .rounds
            .iter()
            .filter_map(|round| Some((round, round.tables.as_ref().ok()?)));
        let tables = played.flat_map(|(round, tables)| tables.iter().map(move |table| (round, table)));
        tables.filter(move |(_, table)| table.case == case)
    }

    fn figures(&self, case: &str, name: &str, revision: &str) -> Figures {
        let of_revision = self.tables(case).filter(|(round, _)| round.revision == revision);
        let figures = of_revision.filter_map(|(round, table)| {
            let (_, value) = table.rows.iter().find(|(row, _)| row == name)?;
            Some((round.round, *value))
        });
        figures.collect()
    }

    fn figure(&self, case: &str, name: &str) -> Vec<String> {
        let figures: Vec<Figures> = self
            .revisions
            .iter()
            .map(|revision| self.figures(case, name, revision))
            .collect();
        let medians: Vec<f64> = figures
            .iter()
            .map(|one| median(one.values().copied().collect()))
            .collect();
        let ratios = match &figures[..] {
            [this, base] => ratios(this, base),
            _ => Vec::new(),
        };
        self.line(name, &medians, &ratios)
    }

    fn medians(&self) -> BTreeMap<&str, BTreeMap<String, Value>> {
        let cases = Scenario::ALL.into_iter().flat_map(Scenario::cases);
        let of_case = |case: &str| {
            let rows = self.rows(case).into_iter().map(|name| {
                let of_each = self.revisions.iter().map(|revision| {
                    let figures = self.figures(case, &name, revision);
                    (*revision, median(figures.into_values().collect()))
                });
                let of_each = json!(of_each.collect::<BTreeMap<_, _>>());
                (name, of_each)
            });
            rows.collect::<BTreeMap<_, _>>()
        };
        let told = cases.map(|case| (*case, of_case(case)));
        told.filter(|(_, rows)| !rows.is_empty()).collect()
    }

    fn line(&self, name: &str, values: &[f64], ratios: &[f64]) -> Vec<String> {
        let mut line = vec![name.to_owned()];
        line.extend(values.iter().map(|value| shown(*value)));
        if self.revisions.len() > 1 {
            line.push(shown_ratio(ratios));
        }
        line
    }

    fn draw(&self, title: &str, lines: impl Iterator<Item = Vec<String>>) {
        let mut table = Drawn::new();
        table.load_style(presets::ASCII_MARKDOWN);
        let ratio = (self.revisions.len() > 1).then_some("ratio");
        let columns = std::iter::once(title)
            .chain(self.revisions.iter().copied())
            .chain(ratio);
        table.set_header(columns);
        table.add_rows(lines);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("\n{table}");
    }
}

/// Of the rounds that both have played.
fn ratios(this: &Figures, base: &Figures) -> Vec<f64> {
    let both = this
        .iter()
        .filter_map(|(round, value)| Some(value / base.get(round)?));
    both.filter(|ratio| ratio.is_finite()).collect()
}

fn ratio_of(values: &[f64]) -> Vec<f64> {
    match values {
        [this, base] => vec![this / base],
        _ => Vec::new(),
    }
}

fn shown(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "–".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The median, and between what the others are.
fn shown_ratio(ratios: &[f64]) -> String {
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match ratios.len() {
        0 => "–".to_owned(),
        1 => format!("{:.2}", ratios[0]),
        _ => format!("{:.2} ({least:.2} to {most:.2})", median(ratios.to_vec())),
    }
}
