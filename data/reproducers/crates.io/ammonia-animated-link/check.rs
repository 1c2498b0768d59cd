//! Shows that an unsafe address is left in the `set` and `animate` tags of a drawing.
//! The argument is the address; the tags are allowed, as only those who do so are affected.

use ammonia::Builder;

const UNSAFE: [&str; 2] = ["javascript:", "vbscript:"];
const ADDRESSES: [&str; 3] = ["to", "from", "values"];

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn cleaned(inner: &str) -> String {
    let mut builder = Builder::default();
    builder.add_tags(["svg", "a", "set", "animate"]);
    builder.add_generic_attributes(["width"]);
    for tag in ["set", "animate"] {
        builder.add_tag_attributes(tag, ADDRESSES);
        builder.add_tag_attributes(tag, ["attributeName", "attributename"]);
    }
    builder
        .clean(&format!("<svg><a>{inner}</a></svg>"))
        .to_string()
}

fn main() {
    let ordinary = cleaned("<set attributeName=\"width\" to=\"7\"></set>");
    assert!(ordinary.contains("<set") && ordinary.contains("to=\"7\""));
    let link = cleaned("<a href=\"javascript:flag\">text</a>");
    assert!(!link.contains("javascript"));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let address = argument.to_string_lossy();
    if address.contains(['"', '<', '>', '&']) {
        end(false);
    }
    let set = format!("<set attributeName=\"href\" to=\"{address}\"></set>");
    let animate = format!("<animate attributeName=\"href\" values=\"{address}\"></animate>");
    let html = cleaned(&(set + &animate)).to_ascii_lowercase();
    println!("{html}");
    let starts = |scheme| {
        let mut names = ADDRESSES.iter();
        names.any(|name| html.contains(&format!(" {name}=\"{scheme}")))
    };
    end(UNSAFE.into_iter().any(starts))
}
