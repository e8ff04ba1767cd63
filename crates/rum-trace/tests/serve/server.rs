//! The servers: this test program once more, with one of its tests to run.

#![allow(clippy::print_stdout, reason = "the tests read it")]

use std::fmt::Display;
use std::future::{pending, ready};
use std::io;
use std::process::Command;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use axum::Router;
use axum::routing::get;
use rum_trace::actix::RumTrace;
use rum_trace::axum::RumTraceLayer;
use rum_trace::opentelemetry::global;
use rum_trace::opentelemetry::trace::Tracer;
use rum_trace::otlp::{Pipeline, Stats};
use rum_trace::serve::{Serve, ServeError, Stop};
use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::support::PATIENCE;

const KIND: &str = "SERVE_TEST_KIND";
const DRAIN: &str = "SERVE_TEST_DRAIN_MS";
const FLUSH: &str = "SERVE_TEST_FLUSH_MS";

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// What to run.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Kind { $($kind,)* }

        impl Kind {
            fn named(name: &str) -> Option<Self> {
                [$(Kind::$kind,)*].into_iter().find(|kind| format!("{kind:?}") == name)
            }
        }
    };
}

kinds! {
    Axum AxumOnOneThread Actix ActixOnTokio
    StartsSlowly ActixStartsSlowly
    Ends Fails Dropped DroppedInFlush Several
}

impl Kind {
    pub(crate) fn is_actix(self) -> bool {
        format!("{self:?}").starts_with("Actix")
    }
}

/// A server to start.
pub(crate) struct Settings {
    kind: Kind,
    limits: Vec<(&'static str, String)>,
}

impl Settings {
    pub(crate) fn of(kind: Kind) -> Self {
        let limits = Vec::new();
        Settings { kind, limits }
    }

    pub(crate) fn drain_ms(mut self, limit: u64) -> Self {
        self.limits.push((DRAIN, limit.to_string()));
        self
    }

    pub(crate) fn flush_ms(mut self, limit: u64) -> Self {
        self.limits.push((FLUSH, limit.to_string()));
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn command(&self) -> Command {
        let program = std::env::current_exe().expect("the test's own program");
        let mut command = Command::new(program);
        command
            .args(["--ignored", "--exact", "server::process", "--nocapture"])
            .env(KIND, format!("{:?}", self.kind))
            .envs(self.limits.iter().map(|(name, value)| (name, value)));
        command
    }
}

#[test]
#[ignore = "it is the server that the other tests start"]
fn process() {
    let Ok(kind) = std::env::var(KIND) else {
        return; // Started by `--include-ignored`, which is not meant.
    };
    let kind = Kind::named(&kind).expect("a kind");
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    thread::spawn(listen_to_the_test);
    let code = match run(kind) {
        Ok(stats) => {
            say(stats);
            0
        }
        Err(error) => {
            eprintln!("{error}");
            1
        }
    };
    std::process::exit(code);
}

fn run(kind: Kind) -> Result<Stats, ServeError> {
    let pipeline = Pipeline::builder().service_name("serve").install();
    let pipeline = pipeline.expect("settings are right");
    let stats = pipeline.stats_handle();
    let serve = Serve::new(pipeline)
        .drain_within(milliseconds(DRAIN).unwrap_or(PATIENCE))
        .flush_within(milliseconds(FLUSH).unwrap_or(PATIENCE));
    let many = || Builder::new_multi_thread().enable_all().build();
    let many = || many().expect("a runtime");
    let one = || Builder::new_current_thread().enable_all().build();
    let one = || one().expect("a runtime");
    match kind {
        Kind::Axum => many().block_on(serve.run(axum)),
        Kind::AxumOnOneThread => one().block_on(serve.run(axum)),
        Kind::Actix => actix_web::rt::System::new().block_on(actix(serve, || {})),
        // As a task, for which it must be `Send`.
        Kind::ActixOnTokio => many().block_on(async {
            let task = tokio::spawn(actix(serve, || {}));
            task.await.expect("no panic")
        }),
        Kind::StartsSlowly => one().block_on(serve.run(|stop| {
            start_slowly();
            axum(stop)
        })),
        Kind::ActixStartsSlowly => one().block_on(actix(serve, start_slowly)),
        Kind::Ends => one().block_on(serve.run(async |_| {
            global::tracer("").in_span("work", |_| {});
            Ok::<_, io::Error>(())
        })),
        Kind::Fails => one().block_on(serve.run(async |_| {
            global::tracer("").in_span("work", |_| {});
            Err(io::Error::other("no more sockets"))
        })),
        Kind::Dropped => one().block_on(async {
            tokio::select! {
                biased;
                ended = serve.run(never_ends) => ended,
                () = ready(()) => Ok(stats.stats()),
            }
        }),
        Kind::DroppedInFlush => one().block_on(async {
            let ends = async |_| {
                global::tracer("").in_span("work", |_| {});
                Ok::<_, io::Error>(())
            };
            let changes_its_mind = async {
                told_to_go().await;
                say("dropping");
            };
            tokio::select! {
                ended = serve.run(ends) => ended,
                () = changes_its_mind => Ok(stats.stats()),
            }
        }),
        Kind::Several => many().block_on(serve.run(async |stop: Stop| {
            let second = tokio::spawn(stop.clone());
            let third = tokio::spawn(stop.clone().clone());
            say("serving");
            let late = stop.clone();
            stop.await;
            second.await?;
            third.await?;
            late.clone().await;
            late.await;
            say("all have stopped");
            Ok::<_, tokio::task::JoinError>(())
        })),
    }
}

fn milliseconds(name: &str) -> Option<Duration> {
    let value = std::env::var(name).ok()?;
    Some(Duration::from_millis(value.parse().expect("a number")))
}

async fn never_ends(_: Stop) -> io::Result<()> {
    let tracer = global::tracer("");
    tracer.in_span("work", |_| {});
    let _served = tracer.start("served");
    pending().await
}

async fn axum(stop: Stop) -> io::Result<()> {
    let app = Router::new()
        .route("/quick", get(quick))
        .route("/slow", get(slow))
        .route("/endless", get(endless))
        .layer(RumTraceLayer::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    say(format_args!("listening on {}", listener.local_addr()?));
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await
}

/// `each` runs as its worker starts: one, so that its log is of the connection asked.
fn actix(
    serve: Serve,
    each: impl Fn() + Send + Clone + 'static,
) -> impl Future<Output = Result<Stats, ServeError>> + Send {
    let trace = RumTrace::default();
    let app = move || {
        each();
        App::new()
            .route("/quick", web::get().to(quick))
            .route("/slow", web::get().to(slow))
            .route("/endless", web::get().to(endless))
            .wrap(trace.clone())
    };
    let server = HttpServer::new(app).workers(1).bind("127.0.0.1:0");
    let server = server.expect("a free port");
    say(format_args!("listening on {}", server.addrs()[0]));
    serve.actix(server)
}

async fn quick() -> &'static str {
    "quick"
}

async fn slow() -> &'static str {
    say("handling");
    told_to_go().await;
    "slow"
}

async fn endless() -> &'static str {
    say("handling");
    pending().await
}

fn start_slowly() {
    say("starting");
    while !*GO.borrow() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// On a line of its own, whatever the test harness has written before it.
fn say(what: impl Display) {
    println!("\n{what}");
}

/// Whether the test has said so.
static GO: LazyLock<watch::Sender<bool>> = LazyLock::new(watch::Sender::default);

async fn told_to_go() {
    let told = GO.subscribe().wait_for(|go| *go).await.map(drop);
    told.expect("the sender is static");
}

fn listen_to_the_test() {
    for line in io::stdin().lines() {
        assert_eq!(line.expect("text"), "go");
        GO.send_replace(true);
    }
    // The test has gone, and did not wait for the end.
    std::process::exit(2);
}
