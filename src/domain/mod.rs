//! The core: pure and total.
//!
//! Bytes, candidates, rules and instants go in, values come out. Nothing here reads a clock, a
//! file, a database or the network, and nothing can fail: broken input is a kind of input. In
//! reading order: what a mail is, what an application is, what follows from a mail, what follows
//! from the clock.

pub mod importer;

pub mod mention;

pub mod company;

pub mod stated;

pub mod message;

pub mod authenticity;

pub mod kind;

pub mod rules;

pub mod leaning;

pub mod classification;

pub mod matching;

pub mod subject_line;

pub mod submission;

pub mod receipt;

pub mod event;

pub mod application;

pub mod edit;

pub mod intake;

pub mod interest;

pub mod span;

pub mod zone;

pub mod calendar;

pub mod expectation;

pub mod coverage;

pub mod window;

pub mod recalculation;

pub mod silence;

pub mod cliff;

pub mod evaluation;

pub mod alert;

pub mod notice;

pub mod unrecognised;

pub mod watching;

pub mod cursor;

pub mod contact;

pub mod draft;
