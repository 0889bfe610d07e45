import * as fc from 'fast-check'
import { commitNumber } from './commit.ts'

/**
 * Draws the property tests' cases from the commit: a red run on a commit is red again when it is run again, and another commit
 * tries other cases. Loaded in continuous integration alone; at a developer's desk every run tries new ones.
 */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: commitNumber() })
