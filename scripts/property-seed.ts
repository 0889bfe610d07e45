import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'

/**
 * Draws the property tests' cases from the commit: a red run on a commit is red again when it is run again, and another commit
 * tries other cases. Loaded in continuous integration alone; at a developer's desk every run tries new ones.
 */
const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim()
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: createHash('sha256').update(commit).digest().readInt32BE() })
