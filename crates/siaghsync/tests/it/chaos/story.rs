//! An edit that was lost, told: what was typed, what was asked of both systems around it, what the audit rows say.

use chrono::TimeDelta;
use domain::store::entities::log;

use super::evidence::{Case, Evidence};
use super::users::Edit;

impl Evidence<'_> {
    pub fn story(&self, case: &Case<'_>, lost: &Edit) -> String {
        let edits: Vec<_> = case.edits.iter().rev().take(6).rev().collect();
        let lines: Vec<_> = edits
            .iter()
            .map(|e| {
                let time = e.at.format("%H:%M:%S%.3f");
                let exempt = if self.exempt(case, e) { ", exempt" } else { "" };
                let quiet = if e.quiet { ", quiet" } else { "" };
                format!(
                    "{time} {:?} {:?} over {:?}{quiet}{exempt}",
                    e.side, e.value, e.before
                )
            })
            .collect();
        format!(
            "{:?} of {:?}/{:?} is {:?}, lost is {:?}, told {:?}; typed: {}\n{}",
            case.field,
            case.link.crm_id,
            case.link.finance_id,
            case.held,
            lost.value,
            self.told(case, lost)
                .map(|at| at.format("%H:%M:%S%.3f").to_string()),
            lines.join("; "),
            self.happened(case, lost).join("\n")
        )
    }

    /// What was asked of both systems about the customer around the edit, and what the audit rows say.
    fn happened(&self, case: &Case<'_>, lost: &Edit) -> Vec<String> {
        let told = self.told(case, lost).unwrap_or(lost.at);
        let (from, to) = (
            lost.at - TimeDelta::seconds(10),
            told.max(lost.at + TimeDelta::seconds(12)),
        );
        let around = |at| from <= at && at <= to;
        let ids = [&case.link.crm_id, &case.link.finance_id];
        let mut happened: Vec<_> = self
            .windows
            .about(ids, Some(case.field))
            .into_iter()
            .filter(|(at, _)| around(*at))
            .collect();
        let of_mapping =
            |row: &&log::Model| row.entity_mapping_id == Some(case.link.id) && around(row.started_at);
        happened.extend(self.rows.iter().filter(of_mapping).map(|row| {
            let line = format!(
                "row {} {} {:?} lapses {} heard, ended {:?}: {:?} {:?}",
                row.id,
                row.direction,
                row.status,
                row.lapses,
                row.completed_at.map(|at| at.format("%S%.3f").to_string()),
                row.error_message,
                row.changes.as_ref().map(ToString::to_string)
            );
            (row.started_at, line)
        }));
        let others = self.in_finance(lost.person).filter(|e| e.field != case.field);
        let typed = |e: &Edit| (e.at, format!("typed in finance: {:?} {:?}", e.field, e.value));
        happened.extend(others.filter(|e| around(e.at)).map(typed));
        happened.sort();
        happened
            .into_iter()
            .map(|(at, line)| format!("    {} {line}", at.format("%H:%M:%S%.3f")))
            .collect()
    }
}
