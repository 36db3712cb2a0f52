//! `completions` and `man`: help for shells and readers of manuals.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Context, Outcome};

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn completions(args: &CompletionsArgs, context: &Context) -> anyhow::Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "edfi-plan", &mut text);
    context.terminal.print(&String::from_utf8_lossy(&text))?;
    Ok(Outcome::Answered)
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Of this command instead of the whole program.
    command: Option<String>,
}

pub(crate) fn man(args: &ManArgs, context: &Context) -> anyhow::Result<Outcome> {
    let mut program = Cli::command();
    program.build();
    let command = match &args.command {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            found.ok_or_else(|| anyhow::anyhow!("unknown command '{name}'. 'edfi-plan help' lists them"))?
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    context.terminal.print(&String::from_utf8_lossy(&text))?;
    Ok(Outcome::Answered)
}
