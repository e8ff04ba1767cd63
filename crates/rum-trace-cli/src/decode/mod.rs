//! `rum-trace decode`: what do these headers say?

mod explain;
mod json;
mod protocols;
mod table;

use std::io::{self, BufRead, IsTerminal as _, Write};
use std::process::ExitCode;

use crate::cli::{self, DecodeArgs};
use crate::terminal::Style;

/// Runs the command; see its help for the exit codes.
pub(crate) fn main(args: &DecodeArgs) -> ExitCode {
    let stdin = io::stdin();
    if args.headers.is_empty() && stdin.is_terminal() {
        // Nobody types headers; whoever gets here wonders what to give.
        let _ = io::stderr().write_all(cli::help_of("decode").as_bytes());
        return ExitCode::from(2);
    }
    let mut decoder = Decoder::new(args.json);
    let done = if args.headers.is_empty() {
        decoder.lines(stdin.lock())
    } else {
        decoder.arguments(args)
    };
    match done {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "rum-trace decode: {e}");
            ExitCode::from(2)
        }
        // Who closes the pipe (`| head`) has seen enough.
        _ if decoder.malformed => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    }
}

/// Answers headers one by one on standard output.
struct Decoder {
    out: io::StdoutLock<'static>,
    json: bool,
    style: Style,
    answered: bool,
    malformed: bool,
}

impl Decoder {
    fn new(json: bool) -> Self {
        let out = io::stdout().lock();
        let style = Style::of(&out);
        Self {
            out,
            json,
            style,
            answered: false,
            malformed: false,
        }
    }

    fn arguments(&mut self, args: &DecodeArgs) -> io::Result<()> {
        for header in &args.headers {
            self.answer(header.as_encoded_bytes())?;
        }
        self.out.flush()
    }

    /// Reads bytes, not text: one header that is not UTF-8 must not end it all.
    fn lines(&mut self, mut input: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line)? > 0 {
            let header = line.strip_suffix(b"\n").unwrap_or(&line);
            let header = header.strip_suffix(b"\r").unwrap_or(header);
            if !header.trim_ascii().is_empty() {
                self.answer(header)?;
            }
            line.clear();
        }
        self.out.flush()
    }

    fn answer(&mut self, header: &[u8]) -> io::Result<()> {
        let explanation = protocols::explain(header);
        self.malformed |= explanation.error.is_some();
        if self.json {
            return json::write(&mut self.out, &explanation);
        }
        if self.answered {
            writeln!(self.out)?;
        }
        self.answered = true;
        table::write(&mut self.out, &explanation, self.style)
    }
}
