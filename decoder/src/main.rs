//! One picture from standard input; what came of it to standard output.

fn main() -> std::io::Result<()> {
    decoder::worker::serve(std::io::stdin().lock(), std::io::stdout().lock())
}
