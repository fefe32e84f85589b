//! Stories about a Desk, and what must hold in every story.

mod attention;
mod delivery;
mod evidence;
mod lives;
mod people;
mod properties;
mod suppression;
