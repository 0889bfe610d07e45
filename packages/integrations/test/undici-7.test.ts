import type * as undici from 'undici'
import * as undici7 from 'undici7'
import { suiteOf } from './undici-suite.ts'

// Its types differ from those of undici 8 where the guard does not look.
suiteOf('undici 7', undici7 as unknown as typeof undici)
