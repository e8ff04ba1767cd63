//! Rules of several generations, and the files that they are in.

use std::fs;
use std::path::{Path, PathBuf};

use rum_trace_otlp::sampling::{Condition, Rule, RuleDecision, Rules};
use tempfile::TempDir;

/// The apps, of which each generation of rules takes the one and leaves the other.
pub(crate) const APPS: [&str; 2] = ["one@1", "two@2"];

/// Whether rules of this generation take an app.
pub(crate) fn is_in(generation: u64, app: &str) -> bool {
    app == APPS[generation as usize % 2]
}

/// The first rule takes one app, and the second leaves the other out. So a decision by
/// the first of one generation and the second of the next would find no rule that fits,
/// for one of the apps.
pub(crate) fn rules(generation: u64) -> Rules {
    let [first, second] = [generation, generation + 1].map(|it| APPS[it as usize % 2]);
    Rules::new([
        rule(format!("{generation} in"), first, RuleDecision::In),
        rule(format!("{generation} out"), second, RuleDecision::Out),
    ])
}

fn rule(name: String, app: &str, decision: RuleDecision) -> Rule {
    let mut rule = Rule::new(decision);
    rule.name = Some(name);
    rule.app = Condition::any_of([app]);
    rule
}

/// How rules are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Toml,
    Json,
}

impl Format {
    pub(crate) const ALL: [Format; 2] = [Format::Toml, Format::Json];

    /// The rules of a generation.
    pub(crate) fn text(self, generation: u64) -> String {
        let rules = rules(generation);
        let written = rules.iter().map(|rule| self.rule(rule));
        let written: Vec<String> = written.collect();
        match self {
            Format::Toml => written.concat(),
            Format::Json => format!("{{\"rules\": [{}]}}", written.join(",")),
        }
    }

    /// By hand, as people do.
    fn rule(self, rule: &Rule) -> String {
        let name = rule.name.as_deref().expect("it has one");
        let app = APPS.into_iter().find(|app| {
            let condition = rule.app.as_ref().expect("it has one");
            condition.fits(app)
        });
        let app = app.expect("one of them");
        let decision = match rule.decision {
            RuleDecision::In => "in",
            _ => "out",
        };
        match self {
            Format::Toml => format!(
                "[[rules]]\nname = \"{name}\"\napp = \"{app}\"\ndecision = \"{decision}\"\n"
            ),
            Format::Json => format!(
                "{{\"name\": \"{name}\", \"app\": \"{app}\", \"decision\": \"{decision}\"}}"
            ),
        }
    }

    fn file(self) -> &'static str {
        match self {
            Format::Toml => "rules.toml",
            Format::Json => "rules.json",
        }
    }
}

/// A file in a directory of its own.
pub(crate) struct RulesFile {
    directory: TempDir,
    path: PathBuf,
}

impl RulesFile {
    /// With the rules of generation 0.
    pub(crate) fn new(format: Format) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(format.file());
        let file = RulesFile { directory, path };
        file.replace(&format.text(0));
        file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// At once, as editors and those who deploy do: nobody reads half of it.
    pub(crate) fn replace(&self, text: &str) {
        let new = self.directory.path().join("new");
        fs::write(&new, text).expect("there is room");
        fs::rename(new, &self.path).expect("it is there");
    }

    pub(crate) fn remove(&self) {
        fs::remove_file(&self.path).expect("it is there");
    }
}

/// A directory as Kubernetes mounts one.
#[cfg(unix)]
pub(crate) struct Mounted {
    directory: TempDir,
    path: PathBuf,
}

#[cfg(unix)]
impl Mounted {
    /// With the rules of generation 0.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(Format::Toml.file());
        let data = Path::new("..data").join(Format::Toml.file());
        std::os::unix::fs::symlink(data, &path).expect("links");
        let mounted = Mounted { directory, path };
        mounted.turn_to(0);
        mounted
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn turn_to(&self, generation: u64) {
        let within = |name: &str| self.directory.path().join(name);
        let version = format!("..version_{generation}");
        fs::create_dir(within(&version)).expect("it is new");
        let file = within(&version).join(Format::Toml.file());
        fs::write(file, Format::Toml.text(generation)).expect("there is room");
        std::os::unix::fs::symlink(&version, within("..data_tmp")).expect("links");
        fs::rename(within("..data_tmp"), within("..data")).expect("it is turned");
    }
}
