import type { HttpBindings } from '@hono/node-server';
import type { MiddlewareHandler } from 'hono';
import { type TargetRefusal, judgeTarget } from './host.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { ReadClient } from './trusted-proxies.ts';

/** Law: no inline script, no inline style, nothing from another origin. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
] as const;

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
} as const;

const TARGET_REFUSALS: Record<TargetRefusal, Refusal> = {
  400: {
    code: 'bad_host',
    message: 'The request does not say clearly under which name it calls.',
    hint: 'Send one Host header, a name or an address, and the same name in the target.',
  },
  421: {
    code: 'host_not_allowed',
    message: 'This server answers to names of this machine only.',
    hint: 'Open it as http://127.0.0.1, or listen on another HOST.',
  },
};

/** Puts the security headers on every answer. */
export function securityHeaders(readClient: ReadClient): MiddlewareHandler {
  return async (context, next) => {
    await next();
    const { headers } = context.res;
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
    // Browsers differ on whether 'self' covers WebSockets of the same origin, so they are named.
    const host = readClient(context).origin.replace(/^https?:\/\//, '');
    const sockets = /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
    headers.set(
      'content-security-policy',
      [...CONTENT_SECURITY_POLICY, `connect-src 'self'${sockets}`].join('; '),
    );
  };
}

/** Refuses requests under a name that this server does not answer to. */
export function hostGuard(loopback: boolean): MiddlewareHandler {
  return async (context, next) => {
    const status = judgeTarget((context.env as HttpBindings).incoming, loopback);
    return status === null ? next() : refusal(status, TARGET_REFUSALS[status]);
  };
}

/** Methods that some route of this server takes. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Refuses methods that nothing here serves: a library could take one that it does not know for any other. */
export function limitMethods(): MiddlewareHandler {
  return async (context, next) => {
    if (METHODS.has(context.req.method)) return next();
    return refusal(
      405,
      { code: 'method_not_allowed', message: 'This method is not served.' },
      { allow: [...METHODS].join(', ') },
    );
  };
}

/** Refuses addresses with a NUL, at which PostgreSQL and the file system would end the text. */
export function refuseNul(): MiddlewareHandler {
  return async (context, next) => {
    if (!/%00|\0/.test(context.req.url)) return next();
    return refusal(400, {
      code: 'nul_in_address',
      message: 'L’adresse contient un caractère interdit.',
      hint: 'Leave the character NUL (%00) out.',
    });
  };
}
