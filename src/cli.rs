//! The command line: what can be asked, and who answers.

mod affected;
mod arrange;
mod audit;
mod check;
mod delete;
mod diagnose;
mod diff;
mod folder;
mod graph;
mod import;
mod live;
mod metadata;
mod order;
mod output;
mod prereqs;
mod shell;
mod show;
mod terminal;
mod why;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use edfi_plan::plan::RequiredCycle;

use self::metadata::Sources;
use self::terminal::Terminal;

/// Load order, prerequisites, safe deletes and the meaning of errors for Ed-Fi APIs, from their own
/// metadata.
#[derive(Debug, Parser)]
#[command(name = "edfi-plan", version, max_term_width = 100, after_help = EXAMPLES)]
#[command(infer_subcommands = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  edfi-plan order                               everything, in waves
  edfi-plan order +studentSectionAssociations   what enrollments need
  edfi-plan prereqs sections --no-descriptors   what a section waits for
  edfi-plan delete sections --optional clear    what goes before a section can
  edfi-plan -m ed-fi-5.0+tpdm order             another standard
  edfi-plan -m resources.json -m descriptors.json order
  edfi-plan -m https://api.district.org/v7.1/api order
  edfi-plan audit dependencies.json             what an API's own order gets wrong

Exit codes: 0 answered; 1 findings, or no answer exists; 2 could not do it.";

/// Options of every command.
#[derive(Debug, Args)]
struct Global {
    /// Where the metadata comes from; several are merged.
    ///
    /// The name of a bundled graph (see `standards`), a file or a directory of OpenAPI documents,
    /// ApiModels or graph files, - for stdin, or the URL of an API; `api` stands for the one of
    /// EDFI_API_BASE_URL or lightbeam.yaml. A bundled name wins over a file of that name; write ./NAME
    /// for the file.
    #[arg(short, long, value_name = "SOURCE", global = true)]
    metadata: Vec<String>,

    /// Leave out an extension: its resources and everything in its _ext blocks.
    #[arg(long, value_name = "PROJECT", global = true)]
    without: Vec<String>,

    #[command(flatten)]
    live: live::LiveArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Order(order::OrderArgs),
    Prereqs(prereqs::PrereqsArgs),
    Dependents(prereqs::DependentsArgs),
    Why(why::WhyArgs),
    Show(show::ShowArgs),
    List(show::ListArgs),
    Standards(show::StandardsArgs),
    Check(check::CheckArgs),
    Arrange(arrange::ArrangeArgs),
    Affected(affected::AffectedArgs),
    Delete(delete::DeleteArgs),
    Graph(graph::GraphArgs),
    Import(import::ImportArgs),
    Diagnose(diagnose::DiagnoseArgs),
    Explain(diagnose::ExplainArgs),
    Audit(audit::AuditArgs),
    Diff(diff::DiffArgs),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
}

/// How a command ended that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The question was answered.
    Answered,
    /// There are findings, or no answer exists.
    Findings,
}

/// What a command has to work with.
struct Context {
    sources: Sources,
    terminal: Terminal,
}

/// Carries out the command that the arguments name.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let context = Context {
        sources: Sources::new(cli.global.metadata, cli.global.without, cli.global.live),
        terminal: Terminal::new(),
    };
    let result = match cli.command {
        Command::Order(args) => order::run(&args, &context),
        Command::Prereqs(args) => prereqs::prerequisites(&args, &context),
        Command::Dependents(args) => prereqs::dependents(&args, &context),
        Command::Why(args) => why::run(&args, &context),
        Command::Show(args) => show::show(&args, &context),
        Command::List(args) => show::list(&args, &context),
        Command::Standards(args) => show::standards(&args, &context),
        Command::Affected(args) => affected::run(&args, &context),
        Command::Arrange(args) => arrange::run(&args, &context),
        Command::Check(args) => check::run(&args, &context),
        Command::Graph(args) => graph::run(&args, &context),
        Command::Import(args) => import::run(&args, &context),
        Command::Delete(args) => delete::run(&args, &context),
        Command::Diagnose(args) => diagnose::diagnose(&args, &context),
        Command::Explain(args) => diagnose::explain(&args, &context),
        Command::Audit(args) => audit::run(&args, &context),
        Command::Diff(args) => diff::run(&args, &context),
        Command::Completions(args) => shell::completions(&args, &context),
        Command::Man(args) => shell::man(&args, &context),
    };
    match result {
        Ok(Outcome::Answered) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) if terminal::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            context.terminal.say(&format!("error: {error:#}"));
            // An order that cannot exist is an answer about the metadata, not a failure to give one.
            ExitCode::from(if error.is::<RequiredCycle>() { 1 } else { 2 })
        }
    }
}
