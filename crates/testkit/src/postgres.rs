//! A PostgreSQL server of a test's own, which may be stopped and started again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test support may fail")]

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::port;

/// A server of a test's own; ended when it is dropped.
#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    dir: TempDir,
    port: u16,
    /// What it is told beside its own settings, as its command line has it.
    options: String,
}

impl Server {
    /// Started, with durable commits as in production, on a free port.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// [`Server::start`], told these options as well (`-c name=value`); they win.
    #[must_use]
    pub fn start_with(options: &str) -> Self {
        let server = Self {
            bin: binaries(),
            dir: tempfile::tempdir().unwrap(),
            port: port::free(),
            options: options.to_owned(),
        };
        if is_root() {
            let id = |what| {
                let output = Command::new("id").args([what, "postgres"]).output().unwrap();
                String::from_utf8(output.stdout)
                    .unwrap()
                    .trim()
                    .parse()
                    .expect("there is a user postgres")
            };
            chown(server.dir.path(), Some(id("-u")), Some(id("-g"))).unwrap();
        }
        let arguments = ["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"];
        server.command(
            "initdb",
            &[&arguments[..], &["--no-locale", "--no-sync"]].concat(),
        );
        server.up();
        server
    }

    /// Its address, with the database to connect to first.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.host())
    }

    /// Its `host:port`.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The process that all its others are children of.
    #[must_use]
    pub fn pid(&self) -> u32 {
        let file = std::fs::read_to_string(self.dir.path().join("data/postmaster.pid")).unwrap();
        file.lines().next().unwrap().parse().unwrap()
    }

    /// Starts it, and waits until it answers.
    pub fn up(&self) {
        // Without fsync a commit still survives the server's own death, only not the machine's.
        let options = format!(
            "-h 127.0.0.1 -p {} -c unix_socket_directories= -c max_connections=100 -c fsync=off {}",
            self.port, self.options
        );
        let arguments = ["-D", "data", "-l", "log", "-w", "-t", "120"];
        self.command("pg_ctl", &[&arguments[..], &["start", "-o", &options]].concat());
    }

    /// Stops it: `fast` ends all sessions in an orderly way, `immediate` is a crash.
    pub fn down(&self, mode: &str) {
        self.command("pg_ctl", &["-D", "data", "-m", mode, "-w", "-t", "120", "stop"]);
    }

    /// Runs one of its programs, as a user that PostgreSQL accepts.
    fn command(&self, program: &str, arguments: &[&str]) {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        let status = command
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        assert!(status.success(), "{} {arguments:?}: {log}", program.display());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.dir.path().join("data/postmaster.pid").exists() {
            self.down("immediate");
        }
    }
}

/// The folder of the newest version's programs.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path().join("bin")).collect();
    folders.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).unwrap();
        version.to_string_lossy().parse::<u32>().unwrap_or(0)
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").exists())
        .expect("PostgreSQL's initdb is in PATH or /usr/lib/postgresql")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}
