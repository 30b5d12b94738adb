// The documentation of the API: /openapi.json for people.
import { html, render } from "../vendor/preact.js";
import { Json, Schema, Text, Type, resolve } from "./parts.js";

const ICON = new URL("icon.svg", import.meta.url).href;

const isProblem = (schema) => schema.properties?.type?.const?.includes(":problem:");
const operations = (document) =>
  Object.entries(document.paths).flatMap(([path, calls]) =>
    Object.entries(calls).map(([method, call]) => ({ path, method: method.toUpperCase(), ...call })),
  );

/** The same for every call, so that no call has to repeat it. */
function Signing({ call }) {
  if (call.security.length === 0) return html`<p>Public: anyone may call it.</p>`;
  const scopes = call.security.flatMap((way) => way.token ?? []);
  const whose = scopes.length ? html`a token with the scope <code>${scopes.join(" ")}</code>` : "a token";
  return html`<p>Takes ${whose}, or a signature (IAM).</p>`;
}

const Parameters = ({ document, of = [] }) =>
  of.length > 0 &&
  html`
    <h4>Parameters</h4>
    <dl class="fields-of">
      ${of
        .map((parameter) => resolve(document, parameter))
        .map(
          (parameter) => html`
            <dt><code>${parameter.name}</code> <span class="quiet">${parameter.in}${parameter.required ? "" : ", optional"}</span></dt>
            <dd><${Type} of=${parameter.schema} /><${Text} of=${parameter.description} /></dd>
          `,
        )}
    </dl>
  `;

const Body = ({ of }) =>
  of &&
  html`
    <h4>Body${of.required ? "" : html` <span class="quiet">optional</span>`}</h4>
    <${Text} of=${of.description} />
    ${Object.entries(of.content).map(
      ([type, { schema, example, examples = {} }]) => html`
        <p><${Type} of=${schema} /> <span class="quiet">${type}</span></p>
        ${example !== undefined && html`<${Json} of=${example} />`}
        ${Object.values(examples).map(({ value }) => html`<${Json} of=${value} />`)}
      `,
    )}
  `;

const Responses = ({ document, of }) => html`
  <h4>Responses</h4>
  <dl class="fields-of">
    ${Object.entries(of)
      .map(([status, response]) => [status, resolve(document, response)])
      .map(
        ([status, response]) => html`
          <dt><strong>${status}</strong></dt>
          <dd>
            <${Text} of=${response.description} />
            <${Contents} of=${response.content} />
            ${Object.entries(response.headers ?? {}).map(
              ([name, header]) => html`<p><code>${name}</code> ${header.description ?? ""}</p>`,
            )}
          </dd>
        `,
      )}
  </dl>
`;

const Contents = ({ of = {} }) =>
  Object.entries(of).map(
    ([type, { schema, example }]) => html`
      <p><${Type} of=${schema} /> <span class="quiet">${type}</span></p>
      ${example && html`<details><summary>Example</summary><${Json} of=${example} /></details>`}
    `,
  );

const Call = ({ document, call }) => html`
  <details class="card call" id=${call.operationId}>
    <summary>
      <span class="method ${call.method.toLowerCase()}">${call.method}</span>
      <code class="path">${call.path}</code>
      <span class="what">${call.summary}</span>
    </summary>
    <${Text} of=${call.description} />
    <${Signing} call=${call} />
    <${Parameters} document=${document} of=${call.parameters} />
    <${Body} of=${call.requestBody} />
    <${Responses} document=${document} of=${call.responses} />
  </details>
`;

const Problems = ({ schemas }) => html`
  <h2 id="problems">Problems</h2>
  ${Object.entries(schemas)
    .filter(([, schema]) => isProblem(schema))
    .map(([name, schema]) => {
      const { type, title, status } = schema.properties;
      return html`
        <section class="card" id=${type.const}>
          <h3 id=${type.const.split(":").pop()}><span id="schema-${name}">${status.const} ${title.const}</span></h3>
          <p><code>${type.const}</code></p>
          <${Text} of=${schema.description} />
          <details><summary>Example</summary><${Json} of=${schema.examples[0]} /></details>
        </section>
      `;
    })}
`;

const Schemas = ({ schemas }) => html`
  <h2 id="schemas">Schemas</h2>
  ${Object.entries(schemas)
    .filter(([, schema]) => !isProblem(schema))
    .map(
      ([name, schema]) => html`
        <details class="card" id="schema-${name}">
          <summary><strong>${name}</strong></summary>
          <${Schema} of=${schema} />
        </details>
      `,
    )}
`;

const Page = ({ document }) => html`
  <header>
    <a class="brand" href="./"><img src=${ICON} alt="" width="28" height="28" />${document.info.title}</a>
    <nav aria-label="Parts">
      <a href="#calls">Calls</a><a href="#problems">Problems</a><a href="#schemas">Schemas</a>
      <a href="../openapi.json">openapi.json</a>
    </nav>
  </header>
  <main>
    <h1>The API, version ${document.info.version}</h1>
    <${Text} of=${document.info.description} />
    <h2 id="calls">Calls</h2>
    ${document.tags.map(
      (tag) => html`
        <h3>${tag.name}</h3>
        <${Text} of=${tag.description} />
        ${operations(document)
          .filter((call) => call.tags.includes(tag.name))
          .map((call) => html`<${Call} document=${document} call=${call} />`)}
      `,
    )}
    <${Problems} schemas=${document.components.schemas} />
    <${Schemas} schemas=${document.components.schemas} />
  </main>
`;

/** Opens what the address names: a call, a schema, or a problem by its type. */
function show() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!named) return;
  if (named.tagName === "DETAILS") named.open = true;
  named.scrollIntoView();
}

async function start() {
  const root = document.getElementById("docs");
  try {
    const response = await fetch("../openapi.json");
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    render(html`<${Page} document=${await response.json()} />`, root);
    show();
    addEventListener("hashchange", show);
  } catch (error) {
    render(html`<p class="problem" role="alert">openapi.json can't be read: ${error.message}</p>`, root);
  }
}

start();
