import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { canonicalSegments, Fields, type RoutableRequest } from '@seaworthy/http-proxy'
import { type GatewayFile, parseGatewayFile } from '../../src/strangler/gateway-file.ts'
import { StranglerGateway, type StranglerGatewayOptions } from '../../src/strangler/strangler-gateway.ts'

/** A request as the gateway sees it when it decides. */
export function routable(
  method: string,
  target: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  host = 'shop.example',
): RoutableRequest {
  const fields = new Fields()
  for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) fields.endToEnd += `${name}: ${value}\r\n`
  return { method, target, segments: canonicalSegments(target), host, fields, clientAddress: '192.0.2.1', correlationId: 'c-1' }
}

const gateways = new WeakMap<TestContext, (() => Promise<void>)[]>()

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-gateway-'))
  t.after(async () => {
    // In the order of their registration, hooks would remove it under a gateway that still writes.
    await Promise.all((gateways.get(t) ?? []).map((stop) => stop()))
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** What writes to a temporary folder, and ends before that is removed. */
export function stopsAfter(t: TestContext, stop: () => Promise<void>): void {
  gateways.set(t, [...(gateways.get(t) ?? []), stop])
}

/** A file before a monolith and a service for reviews, of which parts may be replaced. */
export function fileOf(
  folder: string,
  { monolith, reviews, ...parts }: { monolith: URL; reviews: URL; [part: string]: unknown },
): GatewayFile {
  return parseGatewayFile(JSON.stringify(textOf({ monolith, reviews, ...parts })), join(folder, 'gateway.json'))
}

export function textOf({ monolith, reviews, ...parts }: { monolith: URL; reviews: URL; [part: string]: unknown }): Record<string, unknown> {
  return {
    listen: { port: 0 },
    admin: { port: 0, tokenFile: 'token' },
    ledger: 'ledger',
    upstreams: { monolith: { urls: [monolith.origin] }, reviews: { urls: [reviews.origin] } },
    routes: [
      {
        id: 'reviews',
        match: { path: '/reviews/*' },
        from: 'monolith',
        to: 'reviews',
        stickyBy: { header: 'x-user' },
        tenantBy: { header: 'x-tenant' },
      },
      { id: 'rest', match: { path: '/*' }, from: 'monolith' },
    ],
    ...parts,
  }
}

export interface TestStrangler {
  readonly gateway: StranglerGateway
  readonly port: number
  readonly logged: { readonly level: string; readonly message: string; readonly fields: object }[]
  readonly stop: () => Promise<void>
}

export async function stranglerWith(
  t: TestContext,
  file: GatewayFile,
  options: Pick<StranglerGatewayOptions, 'gateOf' | 'mirror' | 'clock' | 'comparisons' | 'dataToken' | 'start'> = {},
): Promise<TestStrangler> {
  const logged: TestStrangler['logged'][number][] = []
  const log = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message })
  const gateway = await StranglerGateway.open({
    file,
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    limits: { drainTimeoutMs: 200, lingerMs: 100 },
    ...options,
  })
  const port = await gateway.listen()
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= gateway.drain())
  stopsAfter(t, stop)
  return { gateway, port, logged, stop }
}
