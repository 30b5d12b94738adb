// How the documentation writes texts, schemas and examples.
import { html } from "../vendor/preact.js";

const nameOf = (reference) => reference.split("/").pop();

/** What a reference of the document leads to. */
export const resolve = (document, part) =>
  part.$ref
    ? { ...part.$ref.slice(2).split("/").reduce((at, name) => at[name.replaceAll("~1", "/")], document), ...part, $ref: undefined }
    : part;

/** A line of a text: `code` and **bold**. */
const Line = ({ text }) =>
  text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return html`<code>${part.slice(1, -1)}</code>`;
    if (part.startsWith("**")) return html`<strong>${part.slice(2, -2)}</strong>`;
    return part;
  });

/** A text, paragraph by paragraph. */
export const Text = ({ of = "" }) =>
  of.split(/\n\n+/).filter(Boolean).map((paragraph) => html`<p><${Line} text=${paragraph} /></p>`);

/** JSON as one would write it. */
export const Json = ({ of }) => html`<pre tabindex="0"><code>${JSON.stringify(of, null, 2)}</code></pre>`;

/** The limits that a schema sets to a value. */
function limits(schema) {
  const said = [];
  if (schema.format) said.push(schema.format);
  if (schema.pattern) said.push(`like ${schema.pattern}`);
  if (schema.minLength ?? schema.maxLength) said.push(`${schema.minLength ?? 0} to ${schema.maxLength ?? "any number of"} characters`);
  if (schema.minItems ?? schema.maxItems) said.push(`${schema.minItems ?? 0} to ${schema.maxItems ?? "any number"}`);
  if (schema.minimum !== undefined) said.push(`≥ ${schema.minimum}`);
  if (schema.exclusiveMinimum !== undefined) said.push(`> ${schema.exclusiveMinimum}`);
  if (schema.maximum !== undefined) said.push(`≤ ${schema.maximum}`);
  if (schema.multipleOf !== undefined) said.push(`a multiple of ${schema.multipleOf}`);
  if (schema.default !== undefined) said.push(`${JSON.stringify(schema.default)} when left out`);
  return said.join(", ");
}

const between = (parts, separator) => parts.flatMap((part, index) => (index ? [separator, part] : [part]));

/** A schema in a few words; named ones are linked. */
export function Type({ of }) {
  if (of.$ref) return html`<a href="#schema-${nameOf(of.$ref)}">${nameOf(of.$ref)}</a>`;
  const choices = of.oneOf ?? (of.type ? undefined : of.anyOf);
  if (choices) return between(choices.map((choice) => html`<${Type} of=${choice} />`), " | ");
  if (of.const !== undefined) return html`<code>${JSON.stringify(of.const)}</code>`;
  if (of.enum) return between(of.enum.map((value) => html`<code>${value}</code>`), " | ");
  if (of.type === "array") return html`list of ${of.items ? html`<${Type} of=${of.items} />` : "anything"}${note(limits(of))}`;
  const types = [of.type ?? "anything"].flat().join(" | ");
  return html`${types}${note(limits(of))}`;
}

const note = (text) => text && html` <span class="quiet">(${text})</span>`;

/** A schema as a whole: its text, its fields or its values. */
export function Schema({ of }) {
  if (of.$ref) return html`<p><${Type} of=${of} /></p>`;
  const valued = of.oneOf?.every((choice) => choice.const !== undefined);
  return html`
    <${Text} of=${of.description} />
    ${of.properties ? html`<${Fields} of=${of} />` : valued ? html`<${Values} of=${of.oneOf} />` : html`<p><${Type} of=${of} /></p>`}
  `;
}

const Fields = ({ of }) => html`
  <dl class="fields-of">
    ${Object.entries(of.properties).map(
      ([name, field]) => html`
        <dt><code>${name}</code>${of.required?.includes(name) ? "" : html` <span class="quiet">optional</span>`}</dt>
        <dd>
          <${Type} of=${field} />
          <${Text} of=${field.description} />
          ${field.properties && html`<${Fields} of=${field} />`}
          ${field.anyOf?.filter((choice) => choice.properties).map((choice) => html`<${Fields} of=${choice} />`)}
        </dd>
      `,
    )}
  </dl>
`;

const Values = ({ of }) => html`
  <dl class="fields-of">
    ${of.map((value) => html`<dt><code>${value.const}</code></dt><dd><${Text} of=${value.description} /></dd>`)}
  </dl>
`;
