//! Behaviour, tested with the real rustc. One module an area.

mod actions;
mod command_lines;
mod facts;
mod faults;
mod inspect;
mod pipeline;
mod readme;
mod seal;
mod seal_refusals;
mod recorded;
mod ripgrep;
mod support;
