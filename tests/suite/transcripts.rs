//! Transcripts of the program, whole outputs, and the README's.

#[test]
fn transcripts() {
    trycmd::TestCases::new().env("COLUMNS", "80").case("tests/transcripts/*.trycmd").case("README.md");
}
