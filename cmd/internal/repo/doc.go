// Package repo holds the tests of the repository itself: its rooms, the direction of dependencies, and what may not be in it.
package repo
