//! `rum-trace decode`, the real binary over real headers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;

/// The documentation's own sample: seven parts of eight.
const DOCUMENTED_SW8: &str = "sw8: 1-My40LjU=-MTY1MTcwNDI5OTk5OA==-xxxx-xx-x-x==";

fn command(arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rum-trace"));
    command.arg("decode").args(arguments).env_remove("NO_COLOR");
    command
}

fn with_arguments(arguments: &[&str]) -> Output {
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    command(&arguments).stdin(Stdio::null()).output().unwrap()
}

fn with_input(arguments: &[&str], input: &[u8]) -> Output {
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let mut child = command(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Beside the reading, or both ends wait for each other.
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output
}

fn objects(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn one(header: &str) -> Value {
    let mut objects = objects(&with_arguments(&["--json", header]));
    assert_eq!(objects.len(), 1);
    objects.remove(0)
}

fn data(path: &str) -> Value {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(manifest.join(path)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Each case of the data file lists what the JSON must hold.
#[test]
fn the_cases_of_the_data_file() {
    let cases = data("tests/data/decode.json");
    for case in cases.as_array().unwrap() {
        let header = case["header"].as_str().unwrap();
        let object = one(header);
        for (pointer, expected) in case["expect"].as_object().unwrap() {
            let found = object
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{header}: no {pointer} in {object}"));
            assert_eq!(found, expected, "{header}: {pointer}");
        }
        assert_eq!(object["raw"], case["header"]);
        let malformed = case["expect"].get("/error").is_none();
        assert_eq!(!object["error"].is_null(), malformed, "{header}: {object}");
        let status = with_arguments(&[header]).status.code();
        assert_eq!(status, Some(i32::from(malformed)), "{header}");
    }
}

/// All captures, in one stream: well formed, in order, with the ids that the
/// other headers of the same request have.
#[test]
fn all_captures() {
    let mut lines = Vec::new();
    for file in ["rum-browser-0.0.37.json", "skywalking-python-1.2.0.json"] {
        let captures = data(&format!("../../tests/data/captures/{file}"));
        for case in captures.as_array().unwrap() {
            for (name, value) in case["headers"].as_object().unwrap() {
                lines.push(format!("{name}: {}", value.as_str().unwrap()));
            }
        }
    }
    let output = with_input(&["--json"], lines.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let objects = objects(&output);
    assert_eq!(objects.len(), lines.len());
    for (object, line) in objects.iter().zip(&lines) {
        assert_eq!(object["raw"], line.as_str());
        assert!(object["error"].is_null(), "{object}");
        let name = line.split(':').next().unwrap().to_ascii_lowercase();
        assert_eq!(object["protocol"], name.as_str());
        let length = |key: &str| object[key].as_str().map(str::len);
        match name.as_str() {
            "traceparent" | "sw8" | "b3" | "uber-trace-id" => {
                assert_eq!(length("trace_id"), Some(32), "{object}");
                assert_eq!(length("parent_span_id"), Some(16), "{object}");
                assert!(object["sampled"].is_boolean(), "{object}");
            }
            "tracestate" | "baggage" => {
                assert!(object["rum"]["session_id"].is_string(), "{object}");
                assert!(object["rum"]["user_id"].is_string(), "{object}");
                assert_eq!(object["rum"]["app_type"], "browser");
            }
            _ => {}
        }
    }
    // As a table, each is answered too.
    let output = with_input(&[], lines.join("\r\n").as_bytes());
    assert_eq!(output.status.code(), Some(0));
    for line in &lines {
        assert!(text(&output).contains(line.as_str()), "{line}");
    }
}

#[test]
fn good_and_bad_lines_are_all_answered_in_order() {
    let good = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let lines = [
        good,
        DOCUMENTED_SW8,
        "no colon",
        "accept: text/html",
        good,
        "b3: 0",
    ];
    let answers = |objects: &[Value]| -> Vec<(Value, bool)> {
        let answer = |object: &Value| (object["protocol"].clone(), object["error"].is_null());
        objects.iter().map(answer).collect()
    };
    let expected = [
        ("traceparent".into(), true),
        ("sw8".into(), false),
        (Value::Null, false),
        (Value::Null, false),
        ("traceparent".into(), true),
        ("b3".into(), true),
    ];
    let output = with_input(&["--json"], lines.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(answers(&objects(&output)), expected);

    let mut arguments = vec!["--json"];
    arguments.extend(lines);
    let output = with_arguments(&arguments);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(answers(&objects(&output)), expected);
}

#[test]
fn arguments_and_standard_input_are_not_mixed() {
    let output = Command::new(env!("CARGO_BIN_EXE_rum-trace"))
        .args(["decode", "--json", "b3: 1"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(objects(&output).len(), 1);
    let output = with_input(&["--json"], b"");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    let output = with_input(&["--json"], b"\n\r\n  \n");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

#[test]
fn bytes_that_are_no_text_break_nothing() {
    let input =
        b"traceparent: \xff\xfe\x00\ntracestate: rum=v2&browser&a@1&s&\xe5\xbc\xa0\xff\nb3: 1\n";
    let output = with_input(&["--json"], input);
    assert_eq!(output.status.code(), Some(1));
    let objects = objects(&output);
    assert_eq!(objects.len(), 3);
    assert_eq!(objects[0]["raw"], "traceparent: \\xff\\xfe\u{0}");
    assert_eq!(objects[1]["rum"]["user_id"], "张\u{fffd}");
    assert!(objects[1]["error"].is_object());
    assert!(objects[2]["error"].is_null());
    let table = with_input(&[], input);
    assert!(text(&table).contains("\\xff\\xfe\\0"), "{}", text(&table));
}

/// Whatever a header holds, in it or decoded from it, the terminal sees only
/// visible characters.
#[test]
fn nothing_obeyed_by_a_terminal_gets_through() {
    // sw8 with a service "\u{1b}]0;title\u{7}" in base64.
    let sw8 = "sw8: 1-YQ==-YQ==-0-G10wO3RpdGxlBw==-YQ==-YQ==-YQ==";
    let lines = format!(
        "traceparent: \u{1b}[31m\n{sw8}\ntracestate: rum=v2&browser&\u{1b}[2J&\u{202e}\u{9b}1m&\u{2028}\n\
         \u{1b}[1mname: x\nno colon \u{7}\nbaggage: a=%1B%5B31m,k=\u{85}\n"
    );
    for arguments in [&[][..], &["--json"][..]] {
        let output = with_input(arguments, lines.as_bytes());
        let text = text(&output);
        let bad: Vec<char> = text.chars().filter(|c| is_obeyed(*c)).collect();
        assert!(bad.is_empty(), "{bad:?} in {text}");
        assert!(text.contains("title"), "{text}");
    }
    // And in JSON they are what they were.
    let objects = objects(&with_input(&["--json"], lines.as_bytes()));
    assert_eq!(objects[1]["sw8"]["service"], "\u{1b}]0;title\u{7}");
    assert_eq!(objects[0]["raw"], "traceparent: \u{1b}[31m");
}

fn is_obeyed(c: char) -> bool {
    c.is_control() && c != '\n' || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn very_long_lines_are_answered() {
    let mut input = b"tracestate: rum=v2&browser&a@1&s&".to_vec();
    input.resize(3_000_000, b'u');
    input.extend(b"\nsw8: ");
    input.resize(6_000_000, b'-');
    let output = with_input(&["--json"], &input);
    assert_eq!(output.status.code(), Some(1));
    let objects = objects(&output);
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0]["rum"]["session_id"], "s");
    let table = with_input(&[], &input);
    assert!(text(&table).contains("… (3000000 bytes)"));
}

#[test]
fn the_table_points_at_the_wrong_byte() {
    let output =
        with_arguments(&["traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bX-01"]);
    let text = text(&output);
    let lines: Vec<&str> = text.lines().collect();
    let mark = lines
        .iter()
        .position(|line| line.trim() == "^")
        .expect(text);
    let (value, column) = (lines[mark - 1], lines[mark].chars().count() - 1);
    assert!(value.chars().nth(column).is_some(), "{text}");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("malformed: traceparent: parent-id at byte")),
        "{text}"
    );
}

/// A pipe is no terminal: no colours, whatever the environment says.
#[test]
fn no_colours_in_a_pipe() {
    let output = command(&[OsStr::new("b3: 1")])
        .env("TERM", "xterm-256color")
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    assert!(!output.stdout.contains(&0x1b));
}

/// `| head -1`: whoever closes the pipe has seen enough.
#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = command(&[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        // Fails once the command has ended, which is what this test wants.
        while stdin.write_all(b"b3: 1\n").is_ok() {}
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn help_has_examples_and_wrong_usage_is_two() {
    let help = with_arguments(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for word in ["Examples:", "Exit status:", "uber-trace-id", "--json"] {
        assert!(text(&help).contains(word), "{word}");
    }
    assert_eq!(with_arguments(&["--xml"]).status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn an_argument_need_not_be_utf8() {
    use std::os::unix::ffi::OsStrExt as _;
    let output = command(&[OsStr::new("--json"), OsStr::from_bytes(b"b3: \xff")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(objects(&output)[0]["raw"], "b3: \\xff");
}
