//! docs/codes.md is what the program explains, word for word.

use std::path::Path;

use edfi_plan::render::text;

#[test]
fn the_document_of_codes_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/codes.md");
    if std::env::var_os("EDFI_PLAN_BLESS").is_some() {
        std::fs::write(&path, text::codes()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == text::codes(), "docs/codes.md: run this test with EDFI_PLAN_BLESS=1 to write it anew");
}
