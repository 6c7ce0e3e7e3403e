/** Listening and peer URLs, and the list of initial members, as etcd writes them. */
import { isNodeId } from '../../consensus/ids.js'
import type { Address } from '../../node/config.js'

/** What is wrong, in words, or the value. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string }

export function parseUrl(
  text: string,
  options: { readonly portZero?: boolean } = {},
): Parsed<Address> {
  const shown = JSON.stringify(text)
  if (/^https:/i.test(text))
    return { problem: `expected http://host:port, got ${shown}: TLS is not built yet` }
  const match = /^http:\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]+)\/?$/.exec(text)
  if (match === null) {
    const hint = /^[A-Za-z0-9._-]+:[0-9]+$/.test(text) ? `; did you mean http://${text}?` : ''
    return { problem: `expected http://host:port, got ${shown}${hint}` }
  }
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  const least = options.portZero === true ? 0 : 1
  if (port < least || port > 65_535)
    return { problem: `expected a port from ${least} to 65535, got ${match[3]} in ${shown}` }
  return { value: { host, port } }
}

export interface InitialMember {
  readonly name: string
  readonly address: Address
}

/** `n1=http://127.0.0.1:2380,n2=...`; names and addresses are told apart. */
export function parseInitialCluster(text: string): Parsed<InitialMember[]> {
  const members: InitialMember[] = []
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue
    const at = part.indexOf('=')
    if (at < 1) return { problem: `expected name=http://host:port, got ${JSON.stringify(part)}` }
    const name = part.slice(0, at)
    if (!isNodeId(name))
      return { problem: `expected a name of letters, digits, . _ -, got ${JSON.stringify(name)}` }
    const url = parseUrl(part.slice(at + 1))
    if ('problem' in url) return { problem: `${name}: ${url.problem}` }
    const same = members.find((one) => one.name === name)
    if (same !== undefined) return { problem: `the name ${name} is there twice` }
    const { host, port } = url.value
    const twin = members.find((one) => one.address.host === host && one.address.port === port)
    if (twin !== undefined)
      return { problem: `${twin.name} and ${name} have the same address ${host}:${port}` }
    members.push({ name, address: url.value })
  }
  if (members.length === 0) return { problem: 'expected at least one name=http://host:port' }
  return { value: members }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.[0-9]{1,3}){3}$/.test(host)
}

/** Listens on all interfaces: nobody can dial that name. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

export function hostPort(address: Address): string {
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`
}
