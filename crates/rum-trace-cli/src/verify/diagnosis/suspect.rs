//! Whom to suspect of what was found.

use super::{Code, Diagnosis, Finding, HopReport, Product, words};
use crate::terminal::escape::for_terminal;

/// What to tell of a finding at this hop.
pub(super) fn diagnosis(hops: &[HopReport], at: usize, finding: &Finding) -> Diagnosis {
    let (guilty, well) = guilty(hops, at, finding.code);
    let (guilty, well) = (hops.get(guilty), well.and_then(|well| hops.get(well)));
    let products = guilty.map_or(&[][..], |hop| &hop.products);
    let has_hops = hops.len() > 1;
    Diagnosis {
        finding: finding.clone(),
        hop: guilty.map(|hop| hop.hop.name.clone()).unwrap_or_default(),
        well_at: well.map(|hop| hop.hop.name.clone()),
        summary: words::summary(finding, hops.get(at)),
        suspect: suspect(finding.code, guilty, well, has_hops),
        mend: words::mend(finding.code, products, hops.get(at)),
    }
}

/// The innermost hop that shows it too, with no other between; and the next one, where
/// all is well.
fn guilty(hops: &[HopReport], at: usize, code: Code) -> (usize, Option<usize>) {
    let mut guilty = at;
    for (further_in, hop) in hops.iter().enumerate().skip(at.saturating_add(1)) {
        if !hop.is_known() {
            break;
        }
        if !hop.codes().contains(&code) {
            return (guilty, Some(further_in));
        }
        guilty = further_in;
    }
    (guilty, None)
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
        Code::Passes | Code::NoAnswer | Code::SomeUnknown | Code::CannotTell => String::new(),
        Code::Unreachable => here,
        Code::NotTrusted | Code::NotRead => "the service itself".to_owned(),
        _ => match (well, has_hops) {
            (Some(well), _) => format!(
                "what listens at {here}{}: behind it, at '{}', all is well",
                told(&guilty.products),
                for_terminal(well.hop.name.as_bytes())
            ),
            (None, true) => format!(
                "what stands between {here}{} and the service: no address further in was asked, \
                 or it showed the same",
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
