import { system } from '../../shop/system.ts'

/**
 * A service's process as the torture starts it: what it calls, it calls through fault proxies. It asks for their addresses, puts them where the
 * supervisor had put the true ones, and becomes the service.
 */
const service = system.service(process.env['SEAWORTHY_SERVICE'] ?? '')
const response = await fetch(process.env['SEAWORTHY_TORTURE_SWITCHBOARD'] ?? '', {
  method: 'POST',
  body: JSON.stringify({ caller: service.name, endpoints: JSON.parse(process.env['SEAWORTHY_ENDPOINTS'] ?? '{}') as unknown }),
})
if (!response.ok) throw new Error(`The switchboard answered ${response.status}: ${await response.text()}`)
process.env['SEAWORTHY_ENDPOINTS'] = await response.text()
await import(service.main.href)
