//! Whom to suspect of what was found.

use super::{Code, Diagnosis, Finding, HopReport, Product, mend, words};
use crate::terminal::escape::for_terminal;
use crate::verify::judged::Judged;

/// What to tell of a finding at this hop.
pub(super) fn diagnosis(hops: &[HopReport], at: usize, finding: &Finding) -> Diagnosis {
    let (guilty, well) = guilty(hops, at, finding);
    let (guilty, well) = (hops.get(guilty), well.and_then(|well| hops.get(well)));
    let products = guilty.map_or(&[][..], |hop| &hop.products);
    let has_hops = hops.len() > 1;
    Diagnosis {
        finding: finding.clone(),
        hop: guilty.map(|hop| hop.hop.name.clone()).unwrap_or_default(),
        well_at: well.map(|hop| hop.hop.name.clone()),
        summary: words::summary(finding, hops.get(at)),
        suspect: suspect(finding.code, guilty, well, has_hops),
        mend: mend::mend(finding.code, products, hops.get(at)),
    }
}

/// The innermost hop that shows it too, with no other between; and the next one, where
/// it does not show.
fn guilty(hops: &[HopReport], at: usize, finding: &Finding) -> (usize, Option<usize>) {
    let mut guilty = at;
    for (further_in, hop) in hops.iter().enumerate().skip(at.saturating_add(1)) {
        if shows(hop, finding) {
            guilty = further_in;
        } else if is_told_of(hop, finding) {
            return (guilty, Some(further_in));
        } else {
            break;
        }
    }
    (guilty, None)
}

/// Whether the same is found there, in one of the same probes, and as bad.
fn shows(hop: &HopReport, finding: &Finding) -> bool {
    let is_same =
        |found: &&Finding| found.code == finding.code && found.severity <= finding.severity;
    let mut same = hop.findings.iter().filter(is_same);
    same.any(|found| {
        found
            .probes
            .iter()
            .any(|probe| finding.probes.contains(probe))
    })
}

/// Whether it is known there what became of the probes that show it. By spans nothing
/// is known of what is not sampled.
fn is_told_of(hop: &HopReport, finding: &Finding) -> bool {
    let of_finding = || {
        let judged = hop.judged.iter();
        judged.filter(|judged| finding.probes.contains(&judged.name()))
    };
    let is_known = |judged: &Judged| judged.judgement.is_known;
    of_finding().any(is_known)
        && of_finding().all(|judged| is_known(judged) || !judged.exchange.sent.sampled)
}

fn suspect(
    code: Code,
    guilty: Option<&HopReport>,
    well: Option<&HopReport>,
    has_hops: bool,
) -> String {
    let Some(guilty) = guilty else {
        return String::new();
    };
    let name = format!("'{}'", for_terminal(guilty.hop.name.as_bytes()));
    let here = format!("{name} ({})", guilty.hop.shown());
    match code {
        Code::Passes | Code::NoAnswer | Code::NotSampled | Code::SomeUnknown | Code::CannotTell => {
            String::new()
        }
        Code::Unreachable | Code::NoResponse => here,
        Code::NotTrusted | Code::NotRead | Code::Skipped => "the service itself".to_owned(),
        _ => match (well, has_hops) {
            (Some(well), _) => format!(
                "what listens at {here}{}: behind it, at '{}', this does not show",
                told(&guilty.products),
                for_terminal(well.hop.name.as_bytes())
            ),
            (None, true) => format!(
                "what stands between {here}{} and the service: no address further in was asked, \
                 or it shows the same, or not enough is known there",
                told(&guilty.products)
            ),
            (None, false) => format!(
                "what stands between this machine and the service{}; --hop with an address \
                 further in finds out which",
                told(&guilty.products)
            ),
        },
    }
}

/// What responses tell of it.
fn told(products: &[Product]) -> String {
    let one = |product: &Product| {
        let evidence = for_terminal(product.evidence.as_bytes());
        format!("{} by `{evidence}`", product.family.as_str())
    };
    let told: Vec<String> = products.iter().map(one).collect();
    match told.as_slice() {
        [] => String::new(),
        told => format!(", {}", told.join(", ")),
    }
}
