//! The longest chain: a browser with the RUM SDK, nginx, and behind it our services and
//! other agents in turn, in both protocols.

mod expected;
mod page;
mod route;

use rum_trace_interop_browser::browser::Browser;
use rum_trace_interop_browser::drive::Tools;
use rum_trace_interop_browser::modes::{MODES, Mode, Sdk};
use rum_trace_interop_browser::site::Site;

use self::expected::Trace;
use self::route::{ROUTES, Route, Running};
use crate::grid::{self, Grid};
use crate::row::World;
use crate::spans::Span;
use crate::table::Cell;
use crate::{BoxError, Choice, Run};

/// What the cells' names begin with.
const TABLE: &str = "chain";

/// A setting of the RUM SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    W3c,
    Sw8,
}

impl Row {
    const ALL: [Row; 2] = [Row::W3c, Row::Sw8];

    fn name(self) -> &'static str {
        match self {
            Row::W3c => "w3c",
            Row::Sw8 => "sw8",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Row::W3c => "`tracecontext`",
            Row::Sw8 => "`sw8`",
        }
    }

    fn arrives(self) -> &'static str {
        match self {
            Row::W3c => {
                "the session at axum; at actix-web behind OpenTelemetry's agent, and not behind \
                 SkyWalking's"
            }
            Row::Sw8 => {
                "no session, the SDK sends none; the trace id's literal text up to the first \
                 OpenTelemetry agent"
            }
        }
    }

    /// As the browser's own table has it.
    fn mode(self) -> Result<&'static Mode, BoxError> {
        let name = match self {
            Row::W3c => "tracecontext",
            Row::Sw8 => "sw8",
        };
        let mut modes = MODES.iter().filter(|mode| mode.sdk == Sdk::Rum);
        let mode = modes.find(|mode| mode.name == name);
        mode.ok_or_else(|| format!("the browser has no mode {name}").into())
    }
}

/// A page's request, until the Collector's file is judged.
#[derive(Debug)]
struct Made {
    row: Row,
    route: &'static Route,
    outcome: Result<Trace, String>,
}

/// The requests of a run.
#[derive(Debug, Default)]
pub(crate) struct Done {
    browser: Option<String>,
    made: Vec<Made>,
}

/// Whether a cell of this table is to be run.
pub(crate) fn is_chosen(choice: &Choice) -> bool {
    ROUTES.iter().any(|route| has_route(choice, route))
}

/// Whether a cell that is to be run needs this peer.
pub(crate) fn needs_peer(choice: &Choice, peer: &str) -> bool {
    let routes = ROUTES.iter().filter(|route| has_route(choice, route));
    routes.into_iter().any(|route| route.peers.contains(&peer))
}

fn has_route(choice: &Choice, route: &Route) -> bool {
    Row::ALL.iter().any(|&row| has(choice, row, route))
}

fn has(choice: &Choice, row: Row, route: &Route) -> bool {
    choice.wants(&grid::cell(TABLE, row.name(), route.name), false)
}

/// Runs the chosen cells.
pub(crate) fn run(world: &World<'_>, run: &Run) -> Done {
    let cells = ROUTES
        .iter()
        .flat_map(|route| Row::ALL.map(|row| (row, route)));
    let cells = cells.filter(|(row, route)| has(&run.choice, *row, route));
    let cells: Vec<_> = cells.collect();
    if cells.is_empty() {
        return Done::default();
    }
    browse(world, &run.tools, &cells).unwrap_or_else(|error| Done {
        browser: None,
        made: failed(&cells, &error).collect(),
    })
}

type Wanted = (Row, &'static Route);

fn failed(cells: &[Wanted], reason: &BoxError) -> impl Iterator<Item = Made> {
    cells.iter().map(move |&(row, route)| Made {
        row,
        route,
        outcome: Err(reason.to_string()),
    })
}

fn browse(world: &World<'_>, tools: &Tools, cells: &[Wanted]) -> Result<Done, BoxError> {
    let started = async {
        let site = Site::start(&tools.modules).await?;
        let browser = Browser::start(&tools.node, &tools.modules, &tools.chromium).await?;
        Ok::<_, BoxError>((site, browser))
    };
    let (site, mut browser) = world.runtime.block_on(started)?;
    let mut done = Done {
        browser: Some(browser.version().to_owned()),
        made: Vec::new(),
    };
    for route in &ROUTES {
        let of_route: Vec<_> = cells.iter().filter(|it| it.1 == route).copied().collect();
        if of_route.is_empty() {
            continue;
        }
        println!("{} …", route.title);
        match along(world, (&site, &mut browser), route, &of_route) {
            Ok(made) => done.made.extend(made),
            Err(error) => done.made.extend(failed(&of_route, &error)),
        }
    }
    world.runtime.block_on(browser.quit())?;
    Ok(done)
}

fn along(
    world: &World<'_>,
    (site, browser): (&Site, &mut Browser),
    route: &'static Route,
    cells: &[Wanted],
) -> Result<Vec<Made>, BoxError> {
    let running = Running::start(world, route, &site.origin())?;
    let mut made = Vec::new();
    for &(row, _) in cells {
        let outcome = visit(world, (site, browser), &running, row);
        made.push(Made {
            row,
            route,
            outcome: outcome.map_err(|error| error.to_string()),
        });
    }
    running.stop()?;
    Ok(made)
}

fn visit(
    world: &World<'_>,
    (site, browser): (&Site, &mut Browser),
    running: &Running,
    row: Row,
) -> Result<Trace, BoxError> {
    let mode = row.mode()?;
    let visit = page::visit(site, browser, running, mode);
    let visit = world.runtime.block_on(visit)?;
    if world.show {
        let answer = serde_json::to_string(&visit.answer)?;
        println!("{}, {}: {answer}", running.route().name, row.name());
    }
    let trace = expected::check(running, row, &visit)?;
    world.collector.wait_for_trace(&trace.expected)?;
    Ok(trace)
}

impl Done {
    /// The verdict, when everybody has ended.
    pub(crate) fn table(&self, choice: &Choice, spans: &[Span]) -> Grid {
        let row = |row: Row| grid::Row {
            name: row.name().to_owned(),
            title: row.title().to_owned(),
            cells: ROUTES
                .iter()
                .map(|route| self.cell(choice, row, route, spans))
                .collect(),
            note: row.arrives(),
        };
        let column = |route: &Route| grid::Column {
            name: route.name.to_owned(),
            title: route.title.to_owned(),
        };
        let rows = Row::ALL.into_iter();
        let is_chosen = |row: &Row| ROUTES.iter().any(|route| has(choice, *row, route));
        Grid {
            name: TABLE,
            corner: "RUM SDK",
            columns: ROUTES.iter().map(column).collect(),
            notes: Some("what arrives"),
            rows: rows.filter(is_chosen).map(row).collect(),
        }
    }

    /// For the docs: which browser it was, and which SDK.
    pub(crate) fn with(&self) -> Option<String> {
        let browser = self.browser.as_ref()?;
        Some(format!(
            "Chromium {browser}, {} {}",
            Sdk::Rum.package(),
            page::sdk_version()
        ))
    }

    fn cell(&self, choice: &Choice, row: Row, route: &Route, spans: &[Span]) -> Cell {
        if !has(choice, row, route) {
            return Cell::NotRun;
        }
        let made = self.made.iter();
        let made = made
            .filter(|it| it.row == row && it.route == route)
            .collect::<Vec<_>>();
        if made.is_empty() {
            return Cell::Fail("nothing was sent".into());
        }
        let failed = made.iter().find_map(|made| match &made.outcome {
            Ok(trace) => trace.judge(spans).err(),
            Err(reason) => Some(reason.clone()),
        });
        failed.map_or(Cell::Pass, Cell::Fail)
    }
}
