//! The command line: what can be asked, and who answers.

mod affected;
mod arrange;
mod asked;
mod audit;
mod check;
mod delete;
mod diagnose;
mod diff;
mod explain;
mod folder;
mod graph;
mod import;
mod live;
mod metadata;
mod number;
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

// Options of every command, which can stand before it and after it. They are not `global` to clap, which would copy
// all of them into every command at every start. No doc comment here or on other arguments that are flattened: clap
// would take it for the help of the command.
#[derive(Debug, Args)]
struct Global {
    /// Where the metadata comes from; several are merged.
    ///
    /// The name of a bundled graph (see `standards`), a file or a directory of OpenAPI documents,
    /// ApiSchemas, ApiModels, graph files or an API's GraphML (edges only), - for stdin, or the URL of an
    /// API; `api` stands for the one of EDFI_API_BASE_URL or lightbeam.yaml. A bundled name wins over a
    /// file of that name; write ./NAME for the file.
    #[arg(short, long, value_name = "SOURCE")]
    metadata: Vec<String>,

    /// Leave out an extension: its resources and everything in its _ext blocks.
    #[arg(long, value_name = "PROJECT")]
    without: Vec<String>,

    #[command(flatten)]
    live: live::LiveArgs,
}

impl Global {
    /// These and what stands after the command; of what can be given once, the later counts.
    fn and(self, after: Self) -> Self {
        Self {
            metadata: [self.metadata, after.metadata].concat(),
            without: [self.without, after.without].concat(),
            live: self.live.and(after.live),
        }
    }
}

// The arguments of a command with the options of every command.
#[derive(Debug, Args)]
struct With<A: Args> {
    #[command(flatten)]
    args: A,
    #[command(flatten)]
    global: Global,
}

// Deferred: only the options of the command that is asked for are built, for all of them were a third of the
// instructions of a start. What is said of a command stands here, for help lists the commands without building them.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// Print the load order in waves
    ///
    /// Selectors: `students`, `+students` (with prerequisites), `students+` (with dependents), `2+x`
    /// (prerequisites up to two steps away), `student*`, `project:tpdm`, `kind:descriptor`,
    /// `domain:Assessment`. Several are a union, `a,b` is an intersection.
    Order(With<order::OrderArgs>),
    /// Show what a resource needs, as a tree
    ///
    /// Exit code 1 if --payload lists what is missing, malformed or cannot be known.
    Prereqs(With<prereqs::PrereqsArgs>),
    /// Show what needs a resource, as a tree
    Dependents(With<prereqs::DependentsArgs>),
    /// Explain why one resource comes before another
    ///
    /// The order of the two does not matter: whichever depends on the other is found.
    Why(With<why::WhyArgs>),
    /// Show everything known of a resource
    Show(With<show::ShowArgs>),
    /// List resources
    List(With<show::ListArgs>),
    /// List the bundled graphs, where they came from and what they cannot know
    Standards(With<show::StandardsArgs>),
    /// Check a payload folder before it is sent
    ///
    /// Finds references that no record of the folder supplies, descriptor values without a descriptor,
    /// duplicate keys, one identity in two resources (a school and an agency with the same id),
    /// contradicting and missing fields, and what is no record at all. Files are students.jsonl, .ndjson
    /// or .json, gzipped or not, or folders such as students/.
    ///
    /// A resource without any file is assumed to exist on the server. What may stand in a file or a line
    /// that could not be read is missing, too, and marked. Exit code 1 if there are findings.
    Check(With<check::CheckArgs>),
    /// Write the records of a folder as numbered files, in the order in which to send them
    ///
    /// The references that the records really contain decide: parents stand before their children, and
    /// where records refer to each other in a circle, an optional reference is left out at first and set
    /// by a second pass. All other bytes of a record stay as they are; one that spans lines becomes one line.
    /// _index.json lists the files by wave; files of one wave can be sent at the same time.
    ///
    /// Exit code 1 if records will be refused, for what they refer to is missing, or something is left out: lines
    /// that are no records, records that need each other, files of no resource.
    Arrange(With<arrange::ArrangeArgs>),
    /// List the records that refer to changed ones, directly or through others
    ///
    /// What changed is a payload file, by its path or by its name in the folder, or a key such as
    /// schools:schoolId=255901001 or sessions:schoolId=1,schoolYear=2026,sessionName=Fall.
    ///
    /// They stand in an order in which they can be sent again: parents before their children, and of records in a
    /// circle one goes without an optional reference first and once more at last.
    ///
    /// Exit code 1 if not all could be listed: a line that is no record or a file of no resource may refer to
    /// them, too, or records need each other; 2 if a file could not be read.
    Affected(With<affected::AffectedArgs>),
    /// Plan a delete that nothing blocks; deletes nothing itself
    ///
    /// Everything that refers to what is named goes first, optional references included. Selectors are
    /// those of `order`; `*` means descriptors and school years as well.
    ///
    /// Exit code 1 if what --keep names cannot survive; of records, if a key is that of none, or if not
    /// everything could be searched; of --recheck, if anything changed.
    Delete(With<delete::DeleteArgs>),
    /// Draw the graph, or write it for other programs
    Graph(With<graph::GraphArgs>),
    /// Write metadata documents as one graph file
    ///
    /// Beside the YAML stands its compact form (.bin), which a build of this program can embed.
    Import(With<import::ImportArgs>),
    /// Explain failed requests: what is wrong, what the graph says, what to do
    ///
    /// Takes a response body, a whole response (curl -i), requests with their responses as JSON or NDJSON,
    /// the results file of lightbeam, error items of API Publisher, a log of the bulk loader, or the message
    /// alone. What it is, it sees for itself.
    ///
    /// Exit code 1 if anything failed.
    Diagnose(With<diagnose::DiagnoseArgs>),
    /// Explain a diagnosis code
    Explain(With<explain::ExplainArgs>),
    /// Compare somebody else's order with the graph
    ///
    /// The order is what an API publishes at its dependencies endpoint (JSON or GraphML), one that this
    /// program printed, or a list that somebody wrote: one resource a line, or comma lists as lightbeam
    /// and API Publisher take them; # starts a comment. Told are resources that are missing or unknown,
    /// and edges that are dropped or inverted, with the loads and deletes that fail for it.
    ///
    /// Exit code 1 if there are findings. What differs and does no harm is a note.
    Audit(With<audit::AuditArgs>),
    /// Tell what changes from one graph to another
    ///
    /// Resources and references that are added, removed or renamed, what becomes required or is so no
    /// longer, natural keys that change, and resources whose wave in the API's own order moves. References
    /// of added and removed resources are not told one by one. What an API publishes at its dependencies
    /// endpoint can be compared, too, by resources and waves.
    ///
    /// Exit code 1 if anything changes.
    Diff(With<diff::DiffArgs>),
    /// Print completions for a shell
    Completions(With<shell::CompletionsArgs>),
    /// Print the manual page
    Man(With<shell::ManArgs>),
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
    let before = cli.global;
    let context = |after: Global| {
        let Global { metadata, without, live } = before.and(after);
        Context { sources: Sources::new(metadata, without, live), terminal: Terminal::new() }
    };
    let result = match cli.command {
        Command::Order(asked) => order::run(&asked.args, &context(asked.global)),
        Command::Prereqs(asked) => prereqs::prerequisites(&asked.args, &context(asked.global)),
        Command::Dependents(asked) => prereqs::dependents(&asked.args, &context(asked.global)),
        Command::Why(asked) => why::run(&asked.args, &context(asked.global)),
        Command::Show(asked) => show::show(&asked.args, &context(asked.global)),
        Command::List(asked) => show::list(&asked.args, &context(asked.global)),
        Command::Standards(asked) => show::standards(&asked.args, &context(asked.global)),
        Command::Affected(asked) => affected::run(&asked.args, &context(asked.global)),
        Command::Arrange(asked) => arrange::run(&asked.args, &context(asked.global)),
        Command::Check(asked) => check::run(&asked.args, &context(asked.global)),
        Command::Graph(asked) => graph::run(&asked.args, &context(asked.global)),
        Command::Import(asked) => import::run(&asked.args, &context(asked.global)),
        Command::Delete(asked) => delete::run(&asked.args, &context(asked.global)),
        Command::Diagnose(asked) => diagnose::diagnose(&asked.args, &context(asked.global)),
        Command::Explain(asked) => explain::explain(&asked.args, &context(asked.global)),
        Command::Audit(asked) => audit::run(&asked.args, &context(asked.global)),
        Command::Diff(asked) => diff::run(&asked.args, &context(asked.global)),
        Command::Completions(asked) => shell::completions(&asked.args, &context(asked.global)),
        Command::Man(asked) => shell::man(&asked.args, &context(asked.global)),
    };
    match result {
        Ok(Outcome::Answered) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) if terminal::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            Terminal::new().say(&format!("error: {error:#}"));
            // An order that cannot exist is an answer about the metadata, not a failure to give one.
            ExitCode::from(if error.is::<RequiredCycle>() { 1 } else { 2 })
        }
    }
}
