/**
 * etcdserverpb.Auth of a cluster that has no users and no roles: what it is asked about them is answered as etcd answers
 * then, and none can be made yet.
 */
import { etcdAuth } from '../../rpc/etcd-services.js'
import { Code, RpcError } from '../../rpc/status.js'
import { type Route, unary } from '../../rpc/types.js'
import { notYet } from './errors.js'
import type { Headers } from './header.js'

/** etcd's before anything was changed. */
const AUTH_REVISION = 1

export interface AuthParts {
  readonly headers: Headers
  revision(): number
}

export function authRoutes({ headers, revision }: AuthParts): Route[] {
  const header = () => headers.of(revision())
  const refuse = (error: RpcError) => () => {
    throw error
  }
  const precondition = (text: string) =>
    refuse(new RpcError(Code.FAILED_PRECONDITION, `etcdserver: ${text}`))
  const invalid = (text: string) => new RpcError(Code.INVALID_ARGUMENT, `etcdserver: ${text}`)
  const noUser = precondition('user name not found')
  const noRole = precondition('role name not found')
  return [
    unary(etcdAuth.authEnable, precondition('root user does not exist')),
    unary(etcdAuth.authDisable, () => ({ header: header() })),
    unary(etcdAuth.authStatus, () => ({
      header: header(),
      enabled: false,
      authRevision: AUTH_REVISION,
    })),
    unary(etcdAuth.authenticate, precondition('authentication is not enabled')),
    unary(etcdAuth.userAdd, ({ name }) => {
      throw name === '' ? invalid('user name is empty') : notYet('UserAdd')
    }),
    unary(etcdAuth.userGet, noUser),
    unary(etcdAuth.userList, () => ({ header: header(), users: [] })),
    unary(etcdAuth.userDelete, noUser),
    unary(etcdAuth.userChangePassword, noUser),
    unary(etcdAuth.userGrantRole, noUser),
    unary(etcdAuth.userRevokeRole, noUser),
    unary(etcdAuth.roleAdd, ({ name }) => {
      throw name === '' ? invalid('role name is empty') : notYet('RoleAdd')
    }),
    unary(etcdAuth.roleGet, noRole),
    unary(etcdAuth.roleList, () => ({ header: header(), roles: [] })),
    unary(etcdAuth.roleDelete, noRole),
    unary(etcdAuth.roleGrantPermission, noRole),
    unary(etcdAuth.roleRevokePermission, noRole),
  ]
}
