//! The command line of `rum-trace verify`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::probe;

/// Find the hop that loses a trace
///
/// Plays phones through the real gateways: asks a real endpoint with each form of
/// header that RUM SDKs send, and says what of it arrived at the service, what did
/// not, which hop to suspect and how to mend it.
///
/// What arrived it learns from the service's own layer, which answers whoever holds the
/// verification token (`InstrumenterBuilder::verification_token`), or from the spans
/// that the service exports: to a collector in this process (--collect), or to a running
/// `rum-trace view` (--view). The token tells more, and at once.
///
/// The requests are real ones, with made-up sessions and users: choose an endpoint that
/// does no harm when it is asked 22 times, and as often again for each hop. Not a health
/// check, which the service may make no span for. Redirects are not followed, and the
/// proxies that `HTTP_PROXY` and `HTTPS_PROXY` name are not used.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// What to ask: an endpoint of the service, as a phone asks it
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// By this method; there is never a body
    #[arg(long, short = 'X', value_name = "METHOD", default_value = "GET")]
    pub(crate) method: String,

    /// A further header on each request; may be given several times
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,

    /// The verification token. Other users of this machine can see it in the list of
    /// processes: better set `RUM_TRACE_VERIFY_TOKEN`, or give --token-file
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    pub(crate) token: Option<String>,

    /// A file with the verification token in its first line
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Listen here for the spans that the service exports: OTLP over gRPC on port 4317, over
    /// HTTP on any other
    #[arg(long, value_name = "ADDRESS", conflicts_with = "view")]
    pub(crate) collect: Option<SocketAddr>,

    /// Ask a running `rum-trace view` for the spans, as `http://127.0.0.1:4320`
    #[arg(long, value_name = "URL")]
    pub(crate) view: Option<String>,

    /// An address of the same service further in, from the outermost to the innermost;
    /// may be given several times. Without a path of its own it is asked for the URL's, and
    /// by the URL's name, in `Host` (unless --header gives one) and, where it is an IP
    /// address, for TLS
    #[arg(long = "hop", value_name = "NAME=URL")]
    pub(crate) hops: Vec<String>,

    /// A gateway opens spans of its own in the phone's trace and exports them: that the
    /// service's parent is one of them is no loss
    #[arg(long)]
    pub(crate) tracing_gateway: bool,

    /// The app id (pid) that the phones tell, where the service trusts known apps alone
    #[arg(long, value_name = "PID")]
    pub(crate) app_id: Option<String>,

    /// Only this probe; may be given several times
    #[arg(long = "probe", value_name = "PROBE", value_parser = probe::names())]
    pub(crate) probes: Vec<String>,

    /// How long a request may take; half of it to connect
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=600)
    )]
    pub(crate) timeout: u64,

    /// How long to wait for spans: longer than the service waits before it exports
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(1..=600)
    )]
    pub(crate) wait: u64,

    /// Certificates of a further authority to trust, as PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

const EXAMPLES: &str = "\
Examples:
  export RUM_TRACE_VERIFY_TOKEN=$(cat token)
  rum-trace verify https://api.shop.example/cart
  rum-trace verify https://api.shop.example/cart -H 'authorization: Bearer …' --json
  rum-trace verify https://api.shop.example/cart \\
      --hop ingress=http://10.0.0.7 --hop pod=http://10.1.4.2:8080
  rum-trace verify http://localhost:8080/ --collect 127.0.0.1:4318
  rum-trace verify http://localhost:8080/ --view http://127.0.0.1:4320

Exit status:
  0  all arrived
  1  something was lost
  2  wrong usage, the URL cannot be reached, or it is not known of each request what arrived";
