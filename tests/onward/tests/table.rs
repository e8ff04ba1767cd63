//! Each phone through each pair of hops, by each client.

use rum_trace_onward::check::check;
use rum_trace_onward::services::first::Library;
use rum_trace_onward::telemetry::Recorded;
use rum_trace_onward::{Chain, Hop, Settings, Tap};

#[tokio::test]
async fn one_trace_by_hypers_client() {
    through_all(Library::Hyper, Recorded::Sampled, Tap::all).await;
}

#[tokio::test]
async fn one_trace_by_reqwest() {
    through_all(Library::Reqwest, Recorded::Sampled, Tap::all).await;
}

#[tokio::test]
async fn what_is_not_sampled_has_its_parents_too_by_hypers_client() {
    through_all(Library::Hyper, Recorded::All, Tap::unsampled).await;
}

#[tokio::test]
async fn what_is_not_sampled_has_its_parents_too_by_reqwest() {
    through_all(Library::Reqwest, Recorded::All, Tap::unsampled).await;
}

async fn through_all(library: Library, recorded: Recorded, taps: fn() -> Vec<Tap>) {
    for to_b in Hop::ALL {
        for to_c in Hop::ALL {
            for third_parties in [false, true] {
                let settings = Settings {
                    library,
                    hops: [to_b, to_c],
                    third_parties,
                    recorded,
                };
                through(&mut Chain::start(settings).await, taps()).await;
            }
        }
    }
}

async fn through(chain: &mut Chain, taps: Vec<Tap>) {
    for tap in taps {
        let _watch = chain.watch(&tap);
        let outcome = chain.tap(&tap).await;
        check(&tap, chain.settings(), &outcome);
        // Two spans of each service, or nothing; each is exported after it is seen here.
        let expected = if tap.sampled { 6 } else { 0 };
        let exported = chain.exported().wait_for_async(expected).await;
        assert_eq!(exported.len(), expected);
        for span in exported {
            assert_eq!(span.trace_id(), tap.trace_id, "nothing of another tap");
        }
    }
}
