import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { System } from 'seaworthy/system'
import { dashboardsOf } from '../monitoring/grafana/dashboards.ts'
import { prometheusConfig } from '../monitoring/prometheus-config.ts'
import { rulesOf } from '../monitoring/rules.ts'
import { yaml } from '../monitoring/yaml.ts'
import { type Arguments, urlOf } from '../arguments.ts'
import type { Command } from '../command.ts'
import { loadSystem } from '../system-file.ts'
import { UsageError } from '../usage.ts'

const OUT = 'monitoring'
const CONSOLE = 'http://127.0.0.1:4000'
const [OBJECTIVE_PERCENT, LATENCY_S] = [99.9, 1]

export const monitoring: Command = {
  name: 'monitoring',
  summary:
    'writes what Prometheus and Grafana need to watch a system: configuration, alert rules, dashboards, from what its services declare',
  operands: ['SYSTEM_FILE'],
  options: {
    out: { value: 'DIR', help: `where to (${OUT}); files of the same names are replaced` },
    objective: { value: 'PERCENT', help: `how many requests of a service are to succeed, over thirty days (${OBJECTIVE_PERCENT})` },
    latency: { value: 'SECONDS', help: `what one in a hundred requests may take (${LATENCY_S})` },
    console: { value: 'URL', help: `whom Prometheus asks where the processes are (${CONSOLE})` },
  },
  async run(args, { print }) {
    const settings = {
      objective: numberOf(args, 'objective', { otherwise: OBJECTIVE_PERCENT, below: 100 }) / 100,
      latencyS: numberOf(args, 'latency', { otherwise: LATENCY_S, below: 3_600 }),
    }
    const consoleUrl = urlOf(args, 'console') ?? new URL(CONSOLE)
    const system = await loadSystem(resolve(args.operands[0] ?? ''))
    const files = filesOf(system, { ...settings, consoleUrl })
    const folder = resolve(args.values['out'] ?? OUT)
    mkdirSync(join(folder, 'dashboards'), { recursive: true })
    for (const [name, text] of files) {
      writeFileSync(join(folder, name), text)
      print(relative(process.cwd(), join(folder, name)))
    }
    print('promtool check config DIR/prometheus.yml looks at it; Grafana imports each of DIR/dashboards.')
    return 0
  },
}

type Settings = Parameters<typeof rulesOf>[1] & { readonly consoleUrl: URL }

/** The texts by the names of their files. */
function filesOf(system: System, { consoleUrl, ...settings }: Settings): ReadonlyMap<string, string> {
  const dashboards = [...dashboardsOf(system, settings)]
  return new Map([
    ['prometheus.yml', yaml(prometheusConfig({ consoleUrl, ruleFiles: ['rules.yml'] }))],
    ['rules.yml', yaml(rulesOf(system, settings))],
    ...dashboards.map(([name, dashboard]) => [`dashboards/${name}.json`, `${JSON.stringify(dashboard, null, 2)}\n`] as const),
  ])
}

function numberOf(
  { values }: Arguments,
  name: string,
  { otherwise, below }: { readonly otherwise: number; readonly below: number },
): number {
  const text = values[name]
  if (text === undefined) return otherwise
  const number = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (number > 0 && number < below) return number
  throw new UsageError(`--${name} must be a number above 0 and below ${below}, but is "${text}".`)
}
