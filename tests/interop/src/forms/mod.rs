//! Systems that cannot be had here: the harness calls our services with the headers that
//! they send, and is called in their place. What this shows is less than the system itself
//! would: the table says `form` there.

mod behind;
mod judge;
mod requests;

use reqwest::Url;
use rum_trace_testing::Phone;

use self::behind::Carried;
pub(crate) use self::behind::serve;
pub(crate) use self::judge::{Expected, judge};
use self::requests::Request;
use crate::answer::Answer;
use crate::case::{Column, Side, same};
use crate::peer::Peer;
use crate::row::{World, failure};
use crate::service::Onward;
use crate::{BoxError, Choice};

/// A request that was made, until its trace is judged.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) column: Column,
    pub(crate) name: String,
    /// What the trace must be, or why there is none to judge.
    pub(crate) outcome: Result<Expected, String>,
}

/// Plays the chosen cells of a row; none if nothing is known of the system.
pub(crate) fn run(world: &World<'_>, peer: &Peer, choice: &Choice) -> Vec<Made> {
    let columns = Column::ALL.into_iter();
    let chosen = columns.filter(|&column| choice.has(peer, column) && peer.has_side(column.side));
    chosen
        .flat_map(|column| match cell(world, peer, column) {
            Ok(made) => made,
            Err(error) => vec![Made {
                column,
                name: "all".into(),
                outcome: Err(error.to_string()),
            }],
        })
        .collect()
}

fn cell(world: &World<'_>, peer: &Peer, column: Column) -> Result<Vec<Made>, BoxError> {
    let requests = requests::of(&peer.name)?;
    let mut made = with_ours(world, peer, column, &requests, Onward::Same)?;
    if column.side == Side::After && !requests.is_empty() {
        let phone = Phone::browser().tap("GET", "/call");
        let phone = [Request::tapped("W3C before, sw8 behind", &phone)];
        made.extend(with_ours(world, peer, column, &phone, Onward::Sw8)?);
    }
    Ok(made)
}

/// These requests, with a service of ours that only this cell sees: the ids are literals, so
/// the spans of two cells are told apart by the service.
fn with_ours(
    world: &World<'_>,
    peer: &Peer,
    column: Column,
    requests: &[Request],
    onward: Onward,
) -> Result<Vec<Made>, BoxError> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let service = format!("{}-{}", peer.name, column.name());
    let (process, url) = world.start_ours(column.framework, &service, onward)?;
    let one = |request: &Request| Made {
        column,
        name: request.name.clone(),
        outcome: call(world, request, column.side, &service, &url)
            .map_err(|error| error.to_string()),
    };
    let made = requests.iter().map(one).collect();
    process.stop()?;
    Ok(made)
}

fn call(
    world: &World<'_>,
    request: &Request,
    side: Side,
    service: &str,
    url: &str,
) -> Result<Expected, BoxError> {
    let answer = world.runtime.block_on(send(world, request, side, url))?;
    if world.show {
        println!(
            "{service}, {}: {}",
            request.name,
            serde_json::to_string(&answer)?
        );
    }
    if answer.chain().any(|answer| answer.error.is_some()) {
        return Err(failure(&answer).into());
    }
    same(
        "trace",
        answer.trace_id.as_deref(),
        Some(request.trace_id.as_str()),
    )?;
    same("sampled", answer.sampled, Some(request.sampled))?;
    let behind = answer.next.as_deref();
    let carried = behind.map(|behind| carried(request, behind, service, &world.behind));
    let expected = Expected {
        service: service.to_owned(),
        trace_id: request.trace_id.clone(),
        parent_id: request.parent_id.clone(),
        sampled: request.sampled,
        attributes: request.attributes.clone(),
        caller_behind: carried.transpose()?.map(|carried| carried.parent_id),
    };
    world
        .collector
        .wait_until(|spans| judge(spans, &expected).is_ok())?;
    Ok(expected)
}

async fn send(
    world: &World<'_>,
    request: &Request,
    side: Side,
    url: &str,
) -> Result<Answer, BoxError> {
    let next = format!("http://{}/call", world.behind);
    let next = (side == Side::After).then_some(("next", next));
    let url = Url::parse_with_params(&format!("{url}/call"), next)?;
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
    world.ask(url, headers).await?.answer()
}

/// What a SkyWalking agent behind us takes from our header, each id as its literal text.
fn carried(
    request: &Request,
    behind: &Answer,
    service: &str,
    address: &str,
) -> Result<Carried, String> {
    let sw8 = behind.received.get("sw8").ok_or("no sw8 behind us")?;
    let carried = Carried::read(sw8)?;
    let is = |what, got: &str, wanted: &str| same(what, Some(got), Some(wanted));
    is("sw8's trace", &carried.trace_id, request.trace_text())?;
    is("sw8's service", &carried.service, service)?;
    is("sw8's peer", &carried.peer, address)?;
    same("sw8's sample", Some(carried.sampled), Some(request.sampled))?;
    // How a segment id is made of a trace and a span: the trace's first half begins it.
    is(
        "the segment's beginning",
        &carried.segment_id[..16],
        &request.trace_id[..16],
    )?;
    Ok(carried)
}
