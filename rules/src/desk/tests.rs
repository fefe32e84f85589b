//! Stories about a Desk, and what must hold in every story.

mod attention;
mod chatter;
mod delivery;
mod doubts;
mod evidence;
mod figures;
mod incidents;
mod lives;
mod lookout;
mod people;
mod properties;
mod quiet;
mod reload;
mod storm;
mod suppression;
mod upkeep;
mod watched;
