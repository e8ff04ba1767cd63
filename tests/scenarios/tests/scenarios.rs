//! Each scenario on each framework.

use rum_trace_scenarios::{Framework, run, scenarios};

/// A module of tests for each framework, with one of tests for each topic.
macro_rules! frameworks {
    ($($topic:ident: $($scenario:ident)*;)*) => {
        mod axum {
            frameworks!(@ Axum $($topic: $($scenario)*;)*);
        }
        mod actix {
            frameworks!(@ Actix $($topic: $($scenario)*;)*);
        }
    };
    (@ $framework:ident $($topic:ident: $($scenario:ident)*;)*) => {
        $(mod $topic {
            $(#[test]
            fn $scenario() {
                crate::run(crate::Framework::$framework, |b| b, crate::scenarios::$topic::$scenario);
            })*
        })*
    };
}

frameworks! {
    lifecycle: finished;
}
