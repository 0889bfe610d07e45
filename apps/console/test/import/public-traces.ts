import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Traces of CRISP, DeathStarBench, Zipkin, Jaeger and OTLP that others published. */
export const folder = process.env['SEAWORTHY_SHARED_TRACES'] ?? fileURLToPath(new URL('../../../../../shared/traces', import.meta.url))

/** Why they cannot be read here, if so: for `test`. */
export const skip = existsSync(folder) ? false : `The public traces are not in ${folder}. Set SEAWORTHY_SHARED_TRACES to their folder.`

/** Not traces: Jaeger's storage model, which its tools do not export; settings of its user interface; and signals that have an address of their own. */
export const OTHERS = [
  'domain_01',
  'domain_es_01',
  'ui-config-hotreload',
  'ui-config-malformed',
  'ui-config-menu',
  'ui-config',
  'events',
  'logs',
  'metrics',
]
