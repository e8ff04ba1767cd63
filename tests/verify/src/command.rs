//! The real `rum-trace`, which `tests/verify/run` builds.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit status.
    pub status: i32,
    /// Its one JSON object; null without `--json`, or if it ended before.
    pub json: Value,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub error: String,
}

/// `rum-trace verify` with these arguments, and with a token in its environment.
///
/// # Panics
///
/// If it cannot be run, or does not end by itself.
#[must_use]
pub fn verify(token: Option<&str>, arguments: &[&str]) -> Said {
    let mut command = Command::new(binary());
    command.arg("verify").args(arguments).stdin(Stdio::null());
    command.env_remove("RUM_TRACE_VERIFY_TOKEN");
    if let Some(token) = token {
        command.env("RUM_TRACE_VERIFY_TOKEN", token);
    }
    let output = command
        .output()
        .expect("rum-trace, which tests/verify/run builds");
    let out = String::from_utf8(output.stdout).expect("text");
    let said = Said {
        status: output.status.code().expect("it ends by itself"),
        json: serde_json::from_str(&out).unwrap_or_default(),
        error: String::from_utf8(output.stderr).expect("text"),
        out,
    };
    if let Some(token) = token {
        assert!(!format!("{said:?}").contains(token), "it shows the token");
    }
    said
}

/// Where it is.
///
/// # Panics
///
/// If that cannot be told.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("this test's file");
    let folder = test.parent().and_then(|deps| deps.parent());
    folder.expect("target/debug").join("rum-trace")
}

impl Said {
    /// Asserts the exit status, and that these words are printed.
    ///
    /// # Panics
    ///
    /// If not.
    #[track_caller]
    pub fn says(&self, status: i32, wanted: &[&str]) {
        assert_eq!(self.status, status, "{self:?}");
        // A line's end stands where a space was.
        let words = format!("{} {}", self.out, self.error);
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in wanted {
            assert!(words.contains(word), "{word:?} is not in {words}");
        }
    }

    /// The diagnoses of a severity, the worst first.
    #[must_use]
    pub fn codes(&self, severity: &str) -> Vec<&str> {
        let all = self.json["diagnosis"].as_array();
        let all = all.unwrap_or_else(|| panic!("{self:?}")).iter();
        let of = all.filter(|found| found["severity"] == severity);
        of.map(|found| found["code"].as_str().expect("text"))
            .collect()
    }

    /// One diagnosis.
    ///
    /// # Panics
    ///
    /// If it is not there.
    #[must_use]
    pub fn diagnosis(&self, code: &str) -> &Value {
        let all = self.json["diagnosis"].as_array();
        let mut all = all.unwrap_or_else(|| panic!("{self:?}")).iter();
        let found = all.find(|found| found["code"] == code);
        found.unwrap_or_else(|| panic!("{code}: {}", self.out))
    }

    /// All the words of a diagnosis.
    #[must_use]
    pub fn words(&self, code: &str) -> String {
        let found = self.diagnosis(code);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mend = found["mend"].as_array().expect("a list").iter();
        let mut words = vec![text(&found["summary"]), text(&found["suspect"])];
        words.extend(mend.map(text));
        words.join("\n")
    }

    /// What became of a header in a probe at the outermost hop.
    #[must_use]
    pub fn fate(&self, probe: &str, header: &str) -> String {
        let probes = self.json["hops"][0]["probes"].as_array().expect("a list");
        let mut probes = probes.iter().filter(|found| found["name"] == probe);
        let probe = probes
            .next()
            .unwrap_or_else(|| panic!("{probe}: {}", self.out));
        let headers = probe["headers"].as_array().expect("a list");
        let mut headers = headers.iter().filter(|found| found["header"] == header);
        let fate = headers.next().and_then(|found| found["fate"].as_str());
        fate.unwrap_or("-").to_owned()
    }
}
