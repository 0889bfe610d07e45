// The gateway of a system that a supervisor runs gets its routes by environment variables; one that takes a monolith apart, by a file.
const file = process.env['SEAWORTHY_GATEWAY_CONFIG']
await(file === undefined || file === '' ? import('./system-main.ts') : import('./strangler/main.ts'))
