//! actix-web, whose server is told to stop rather than waiting for a future.

use std::fmt;
use std::io;
use std::pin::pin;
use std::time::Duration;

use actix_http::Request;
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::HttpServer;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Response, Server};
use rum_trace_otlp::Stats;

use super::{Serve, ServeError, Stop};

impl Serve {
    /// Runs an actix-web server, in place of its own `run`.
    ///
    /// Its signal handling is turned off: that ends it at once on Ctrl-C and
    /// drops the requests under way. (With it goes SIGQUIT, which then does what
    /// the system does of itself.) Its `shutdown_timeout` is set as well. It looks
    /// for what is left once a second, and an idle connection keeps it for as
    /// long as its `keep_alive`.
    ///
    /// With actix-server before 2.9.1 a worker may miss a graceful stop, most of
    /// all on a busy machine, and drop the requests under way ([actix-net#945]);
    /// before 2.9.2 a server goes on listening when this future is dropped.
    ///
    /// [actix-net#945]: https://github.com/actix/actix-net/pull/945
    ///
    /// ```no_run
    /// use actix_web::{App, HttpServer, web};
    /// use rum_trace::actix::RumTrace;
    /// use rum_trace::otlp::Pipeline;
    /// use rum_trace::serve::Serve;
    ///
    /// # #[tokio::main(flavor = "current_thread")] // as actix_web::main
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let pipeline = Pipeline::builder().service_name("shop").install()?;
    ///     let trace = RumTrace::default();
    ///     let app = move || {
    ///         App::new()
    ///             .route("/", web::get().to(async || "hello"))
    ///             .wrap(trace.clone())
    ///     };
    ///     let server = HttpServer::new(app)
    ///         .h1_allow_half_closed(false)
    ///         .bind("127.0.0.1:8080")?;
    ///     Serve::new(pipeline).actix(server).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run).
    pub fn actix<F, I, S, B>(
        self,
        server: HttpServer<F, I, S, B>,
    ) -> impl Future<Output = Result<Stats, ServeError>> + Send
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<actix_web::Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        // Here and not in the future: the server is not `Send`, but what comes of
        // it is, and does nothing yet.
        let server = server
            .disable_signals()
            .shutdown_timeout(later_than(self.drain))
            .run();
        self.run(|stop| until(stop, server))
    }
}

async fn until(stop: Stop, server: Server) -> io::Result<()> {
    let handle = server.handle();
    let mut server = pin!(server);
    tokio::select! {
        ended = &mut server => return ended,
        () = stop => {}
    }
    // The server is what carries the order out.
    let (ended, ()) = tokio::join!(server, handle.stop(true));
    ended
}

/// In seconds. Later, so that the limit is ours and is told; but not never, so
/// that the workers end also where the process does not.
fn later_than(limit: Duration) -> u64 {
    limit.as_secs().saturating_add(2)
}
