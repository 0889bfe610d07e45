import * as undici from 'undici'
import { suiteOf } from './undici-suite.ts'

suiteOf('undici 8', undici)
