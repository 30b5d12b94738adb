// An OpenID Connect issuer for the tests of signing in: npm's oidc-provider, with people who need no password.
// Arguments: the path of oidc-provider. `POST /test/console` tells the address of the console's page, which is known later
// than the issuer's own; the other paths under /test/ are what tests do to it.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const { Provider } = await import(pathToFileURL(process.argv[2]));

const AUDIENCE = "omniflow";
const RESOURCE = "urn:omniflow";
/** How long tokens are valid, in seconds. */
const HOUR = 3600;

const server = createServer((request, response) => answer(request, response));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

let provider;
let serve;
let refusing = false;
let told = { tokens: 0, revoked: 0 };

function signingKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: "signs", alg: "RS256", use: "sig" };
}

const configuration = (place) => ({
  jwks: { keys: [signingKey()] },
  cookies: { keys: ["for tests"] },
  clients: [
    {
      client_id: "console",
      token_endpoint_auth_method: "none",
      redirect_uris: [place],
      post_logout_redirect_uris: [place],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    },
  ],
  clientBasedCORS: (context, origin) => origin === new URL(place).origin,
  findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (context, token) => ({ groups: token.accountId === "olga" ? ["operators", "staff"] : ["staff"] }),
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  ttl: { RefreshToken: HOUR, Session: HOUR, Grant: HOUR, Interaction: HOUR, IdToken: HOUR },
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true, logoutSource: leave },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: "", audience: AUDIENCE, accessTokenFormat: "jwt", accessTokenTTL: HOUR }),
      useGrantedResource: () => true,
    },
  },
  interactions: { url: (context, interaction) => `/people/${interaction.uid}` },
});

/** The page that asks whether to leave here, too. */
function leave(context, form) {
  context.body = `<!doctype html><title>The issuer</title>${form}<button id="leave" type="submit" form="op.logoutForm" name="logout" value="yes">Leave</button>`;
}

const page = (response, body) => {
  response.writeHead(200, { "content-type": "text/html" });
  response.end(`<!doctype html><title>The issuer</title><h1>Who are you?</h1>${body}`);
};

/** The page on which somebody says who they are, and what happens when they have. */
async function interact(request, response, path) {
  const [, , uid, who] = path.split("/");
  if (!who) return page(response, ["ann", "olga", "nobody"].map((name) => `<p><a id="${name}" href="/people/${uid}/${name}">${name}</a></p>`).join(""));
  if (who === "nobody") {
    return provider.interactionFinished(request, response, { error: "access_denied", error_description: "Not today." });
  }
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: who, clientId: params.client_id });
  grant.addOIDCScope("openid");
  grant.addResourceScope(RESOURCE, "");
  return provider.interactionFinished(request, response, { login: { accountId: who }, consent: { grantId: await grant.save() } });
}

async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, issuer);
  const done = (value = {}) => response.end(JSON.stringify(value));
  if (pathname === "/test/console") {
    provider = new Provider(issuer, configuration(searchParams.get("place")));
    serve = provider.callback();
    return done();
  }
  if (pathname === "/test/told") return done(told);
  if (pathname === "/test/refuse") {
    refusing = searchParams.get("wish") === "yes";
    return done();
  }
  if (pathname.startsWith("/people/")) return interact(request, response, pathname);
  if (request.method === "POST" && pathname === "/token") {
    told.tokens += 1;
    if (refusing) {
      response.writeHead(400, { "content-type": "application/json", "access-control-allow-origin": "*" });
      return done({ error: "invalid_grant" });
    }
  }
  if (request.method === "POST" && pathname === "/token/revocation") told.revoked += 1;
  return serve(request, response);
}

console.log(`ready: ${issuer}`);
