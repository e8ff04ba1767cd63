//! What must hold of the spans of our service for one request.

use std::collections::BTreeMap;

use crate::judge;
use crate::spans::{Kind, Span};

/// What a request must have made of our service's spans.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// Of this cell alone.
    pub(crate) service: String,
    pub(crate) trace_id: String,
    pub(crate) parent_id: String,
    pub(crate) sampled: bool,
    /// Of the SERVER span; those that are `None` must not be there.
    pub(crate) attributes: BTreeMap<String, Option<String>>,
    /// The span that the system behind us was told to be the child of.
    pub(crate) caller_behind: Option<String>,
}

/// Whether the spans are as expected, and otherwise why not.
pub(crate) fn judge(spans: &[Span], expected: &Expected) -> Result<(), String> {
    let ours = |span: &&Span| span.service == expected.service;
    let ours: Vec<_> = spans.iter().filter(ours).cloned().collect();
    let service = expected.sampled.then(|| expected.service.clone());
    let trace = judge::Expected {
        trace_id: expected.trace_id.clone(),
        parent_id: Some(expected.parent_id.clone()),
        services: service.into_iter().collect(),
    };
    judge::judge(&ours, &trace)?;
    if !expected.sampled {
        return Ok(());
    }
    let in_trace = |span: &&Span| span.trace_id == expected.trace_id;
    let ours: Vec<_> = ours.iter().filter(in_trace).collect();
    expected.check_attributes(&ours)?;
    expected.check_caller(&ours)
}

impl Expected {
    fn check_attributes(&self, ours: &[&Span]) -> Result<(), String> {
        let entry = ours.iter().find(|span| span.kind == Kind::Server);
        let entry = entry.ok_or("no SERVER span")?;
        for (name, wanted) in &self.attributes {
            let got = entry.attributes.get(name);
            if got != wanted.as_ref() {
                return Err(format!("{name} is {got:?}, not {wanted:?}"));
            }
        }
        Ok(())
    }

    fn check_caller(&self, ours: &[&Span]) -> Result<(), String> {
        let Some(id) = &self.caller_behind else {
            return Ok(());
        };
        let is_it = |span: &&&Span| span.span_id == *id && span.kind == Kind::Client;
        match ours.iter().find(is_it) {
            Some(_) => Ok(()),
            None => Err(format!(
                "the sw8 behind us names {id}, no CLIENT span of ours"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: &str, kind: Kind) -> Span {
        Span {
            service: "ours".into(),
            trace_id: "t".into(),
            span_id: id.into(),
            parent_id: parent.into(),
            kind,
            name: id.into(),
            attributes: BTreeMap::from([("session.id".to_owned(), "s".to_owned())]),
            links: Vec::new(),
        }
    }

    fn expected() -> Expected {
        Expected {
            service: "ours".into(),
            trace_id: "t".into(),
            parent_id: "phone".into(),
            sampled: true,
            attributes: BTreeMap::from([
                ("session.id".to_owned(), Some("s".to_owned())),
                ("user.id".to_owned(), None),
            ]),
            caller_behind: Some("2".into()),
        }
    }

    fn spans() -> Vec<Span> {
        vec![
            span("1", "phone", Kind::Server),
            span("2", "1", Kind::Client),
        ]
    }

    #[test]
    fn as_expected() {
        assert_eq!(judge(&spans(), &expected()), Ok(()));
        // The same literal ids in another cell are none of its business.
        let mut with_other = spans();
        with_other.push(Span {
            service: "another".into(),
            ..span("3", "", Kind::Server)
        });
        assert_eq!(judge(&with_other, &expected()), Ok(()));
    }

    #[test]
    fn anything_else_is_not() {
        type Change = fn(&mut Vec<Span>, &mut Expected);
        let table: [(&str, Change); 6] = [
            ("parent", |spans, _| spans[0].parent_id = "x".into()),
            ("no span", |spans, _| spans.clear()),
            ("unsampled", |_, expected| expected.sampled = false),
            ("attribute", |spans, _| spans[0].attributes.clear()),
            ("told too much", |spans, _| {
                spans[0].attributes.insert("user.id".into(), "u".into());
            }),
            ("behind", |spans, _| spans[1].span_id = "x".into()),
        ];
        for (name, change) in table {
            let (mut spans, mut expected) = (spans(), expected());
            change(&mut spans, &mut expected);
            assert!(judge(&spans, &expected).is_err(), "{name}");
        }
    }
}
