//! The browser, behind the script that drives it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::BoxError;
use crate::saw::{Life, Saw};

/// A guard against hanging, for one page or for the browser's start.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running browser.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    version: String,
}

#[derive(Debug, Deserialize)]
struct Ready {
    browser: String,
}

impl Browser {
    /// Starts it: the node, the `node_modules` with playwright-core, and the browser.
    ///
    /// # Errors
    ///
    /// When one of them is not there, or the browser does not start.
    pub async fn start(node: &Path, modules: &Path, chromium: &Path) -> Result<Self, BoxError> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("drive.mjs");
        let mut driver = Command::new(node)
            .arg(script)
            .arg(modules)
            .arg(chromium)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}", node.display()))?;
        let to = driver.stdin.take().ok_or("the driver has no stdin")?;
        let out = driver.stdout.take().ok_or("the driver has no stdout")?;
        let mut browser = Browser {
            driver,
            to,
            from: BufReader::new(out).lines(),
            version: String::new(),
        };
        let ready: Ready = serde_json::from_value(browser.answer().await?)?;
        browser.version = ready.browser;
        Ok(browser)
    }

    /// As it says itself.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Loads the page and makes its requests, as drive.mjs reads them. The page stays
    /// open.
    ///
    /// # Errors
    ///
    /// When the page cannot be loaded, or the browser is gone.
    pub async fn open(&mut self, order: &impl Serialize) -> Result<Saw, BoxError> {
        self.ask(order).await
    }

    /// Closes the page.
    ///
    /// # Errors
    ///
    /// When the browser is gone.
    pub async fn close(&mut self) -> Result<Life, BoxError> {
        self.ask("close").await
    }

    /// Ends the browser, and waits for it.
    ///
    /// # Errors
    ///
    /// When it failed.
    pub async fn quit(self) -> Result<(), BoxError> {
        let Browser { mut driver, to, .. } = self;
        drop(to);
        let status = timeout(PATIENCE, driver.wait()).await??;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the browser's driver ended with {status}").into())
        }
    }

    async fn ask<T: DeserializeOwned>(&mut self, question: impl Serialize) -> Result<T, BoxError> {
        let mut line = serde_json::to_string(&question)?;
        line.push('\n');
        self.to.write_all(line.as_bytes()).await?;
        let answer = self.answer().await?;
        if let Some(reason) = answer.get("failed") {
            return Err(format!("the page could not be run: {reason}").into());
        }
        Ok(serde_json::from_value(answer)?)
    }

    async fn answer(&mut self) -> Result<Value, BoxError> {
        let line = timeout(PATIENCE, self.from.next_line())
            .await
            .map_err(|_| "the browser does not answer")??;
        let line = line.ok_or("the browser's driver ended early")?;
        Ok(serde_json::from_str(&line)?)
    }
}
