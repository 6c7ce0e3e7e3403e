/**
 * Who may ask over HTTP/1.1. A page in somebody's browser can send requests to any address, and a name of its own can
 * be made to point at this one (DNS rebinding): so a name in Host must be one of ours, and an Origin one that is let in.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { Code } from '../status.js'
import { sendError } from './status.js'

export interface CallersAllowed {
  /** Names under which this node is known, lower case; addresses and `localhost` always are. `*`: any. */
  readonly hosts: ReadonlySet<string>
  /** `scheme://host[:port]` of pages that may ask; `*`: any. */
  readonly origins: ReadonlySet<string>
}

/** False: it was answered, with the reason. */
export function letIn(
  request: IncomingMessage,
  response: ServerResponse,
  { hosts, origins }: CallersAllowed,
): boolean {
  const { host, origin } = request.headers
  if (host !== undefined && !hosts.has('*') && !isOurs(host, hosts)) {
    const hint = `ask by address, or allow the name with --host-whitelist`
    forbid(response, `Host ${JSON.stringify(host)} is none of this node's names: ${hint}`)
    return false
  }
  if (origin === undefined) return true
  if (!origins.has('*') && !origins.has(origin.toLowerCase())) {
    const hint = 'allow it with --cors'
    forbid(response, `pages from ${JSON.stringify(origin)} may not ask this node: ${hint}`)
    return false
  }
  response.setHeader('Access-Control-Allow-Origin', origin)
  response.setHeader('Access-Control-Allow-Methods', 'POST, GET, OPTIONS')
  response.setHeader('Access-Control-Allow-Headers', 'accept, content-type, authorization')
  response.setHeader('Vary', 'Origin')
  return true
}

function forbid(response: ServerResponse, message: string): void {
  sendError(response, { status: 403, code: Code.PERMISSION_DENIED, message })
}

/** `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`. */
function isOurs(host: string, hosts: ReadonlySet<string>): boolean {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(host)?.[1]
  if (bracketed !== undefined) return isIP(bracketed) === 6
  const name = host.replace(/:\d*$/, '').toLowerCase()
  return isIP(name) === 4 || name === 'localhost' || hosts.has(name)
}
