//! What the SDK reported of the request is what we know.

use super::{Evidence, Misses};
use crate::arrivals::Headers;
use crate::carrier;
use crate::cells::{Case, Cell, Saw};
use crate::modes::{Mode, Sdk};
use crate::reports::Report;

pub(super) fn check(
    case: &Case,
    cell: &Cell,
    saw: &Saw,
    sent: &Headers,
    evidence: &Evidence<'_>,
    misses: &mut Misses,
) {
    let reports: Vec<&Report> = evidence
        .reports
        .iter()
        .filter(|report| report.url == cell.url)
        .collect();
    let expected = usize::from(case.mode.traced());
    misses.unless(reports.len() == expected, || {
        format!("the SDK reported it {} times", reports.len())
    });
    for report in reports {
        trace(case.mode, report, sent, misses);
        identity(case.mode, report, saw, misses);
    }
}

/// The SDK names the trace of a sampled request only.
fn trace(mode: &Mode, report: &Report, sent: &Headers, misses: &mut Misses) {
    let ids = carrier::read(sent).unwrap_or_default();
    let sampled = ids.first().map(|(_, ids)| ids).filter(|ids| ids.sampled);
    let expected = sampled.map(|ids| (ids.trace.clone(), ids.span.clone()));
    let says = report.trace.clone().zip(report.span.clone());
    misses.unless(says == expected, || {
        format!("the SDK reported {says:?}, not {expected:?}")
    });
    if mode.sdk == Sdk::Rum && sampled.is_some() {
        misses.unless(report.headers.as_ref() == Some(sent), || {
            format!(
                "the SDK says that it sent {:?}, not {sent:?}",
                report.headers
            )
        });
    }
}

fn identity(mode: &Mode, report: &Report, saw: &Saw, misses: &mut Misses) {
    let (Some(who), Some(page)) = (&report.who, &saw.identity) else {
        misses.unless(mode.sdk == Sdk::SkyWalking, || {
            "the SDK does not say who it is".into()
        });
        return;
    };
    let holds = who.app.as_deref() == mode.app_id
        && who.app_type == "browser"
        && (&who.session, &who.user) == (&page.session, &page.user);
    misses.unless(holds, || {
        format!("the SDK reported as {who:?}, and says in the page {page:?}")
    });
}
