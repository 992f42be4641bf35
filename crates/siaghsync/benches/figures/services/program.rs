//! A process of the bench: killed when it is dropped, its log in a file.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// How long a program may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Program {
    pub name: String,
    child: Child,
}

impl Program {
    /// Only these settings, and none of the bench's own.
    pub fn start(
        path: &Path,
        name: &str,
        arguments: &[&str],
        settings: &[(String, String)],
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join(format!("{name}.log")))?;
        let child = Command::new(path)
            .args(arguments)
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} can't be started", path.display()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Until it has done what it was started for.
    pub async fn done(mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "{} failed: {status}", self.name);
                return Ok(());
            }
            anyhow::ensure!(started.elapsed() < PATIENCE, "{} does not end", self.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// In good order.
    pub async fn end(self) -> anyhow::Result<()> {
        let pid = self.pid().to_string();
        Command::new("kill").args(["-s", "TERM", &pid]).status()?;
        self.done().await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
