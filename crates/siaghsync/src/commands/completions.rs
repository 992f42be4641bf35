//! `siaghsync completions <shell>`: what the shell must know to complete our commands.

use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync completions bash > /etc/bash_completion.d/siaghsync
  siaghsync completions zsh > \"${fpath[1]}/_siaghsync\"
  siaghsync completions fish > ~/.config/fish/completions/siaghsync.fish
  siaghsync completions powershell >> $PROFILE
Exit codes: 0 done, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, mut program: Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "siaghsync", &mut script);
    print!("{}", String::from_utf8(script)?);
    Ok(ExitCode::SUCCESS)
}
