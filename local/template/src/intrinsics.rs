//! Resolves CloudFormation's intrinsic functions for one machine.
//!
//! Source: AWS CloudFormation User Guide, "Intrinsic function reference". A name that a function refers to
//! must exist: an unknown one is an error and never an empty text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use serde_yaml_ng::value::TaggedValue;

use crate::Error;

/// The values that intrinsic functions refer to.
pub(super) struct Scope {
    /// What `Ref` returns: for parameters and pseudo parameters by name, for resources by logical id.
    pub refs: BTreeMap<String, Value>,
    /// What `Fn::GetAtt` returns, by `LogicalId.Attribute`.
    pub attributes: BTreeMap<String, String>,
    pub conditions: Map<String, Value>,
    pub mappings: Value,
}

/// Turns YAML with short tags (`!Ref X`) into JSON with the long form (`{"Ref": "X"}`).
pub(super) fn from_yaml(yaml: serde_yaml_ng::Value) -> Result<Value, Error> {
    use serde_yaml_ng::Value as Yaml;
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(bool) => Value::Bool(bool),
        Yaml::Number(number) => {
            serde_json::to_value(number).map_err(|error| Error::Shape(error.to_string()))?
        }
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => items.into_iter().map(from_yaml).collect::<Result<_, _>>()?,
        Yaml::Mapping(pairs) => {
            let pairs = pairs.into_iter().map(|(key, value)| Ok((key_text(key)?, from_yaml(value)?)));
            Value::Object(pairs.collect::<Result<_, Error>>()?)
        }
        Yaml::Tagged(tagged) => long_form(*tagged)?,
    })
}

fn key_text(key: serde_yaml_ng::Value) -> Result<String, Error> {
    match key {
        serde_yaml_ng::Value::String(text) => Ok(text),
        serde_yaml_ng::Value::Number(number) => Ok(number.to_string()),
        other => Err(Error::Shape(format!("a key must be a text, not {other:?}"))),
    }
}

fn long_form(tagged: TaggedValue) -> Result<Value, Error> {
    let tag = tagged.tag.to_string();
    let name = tag.trim_start_matches('!');
    let value = from_yaml(tagged.value)?;
    let (name, value) = match (name, value) {
        ("Ref" | "Condition", value) => (name.to_owned(), value),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path
                .split_once('.')
                .ok_or_else(|| Error::Shape(format!("!GetAtt {path} has no attribute")))?;
            ("Fn::GetAtt".to_owned(), Value::from(vec![resource, attribute]))
        }
        (name, value) => (format!("Fn::{name}"), value),
    };
    Ok(Value::Object(Map::from_iter([(name, value)])))
}

impl Scope {
    /// Replaces every intrinsic function in `value` by its result. A key or an item whose value is
    /// `AWS::NoValue` is removed.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value, Error> {
        Ok(self.resolve_optional(value)?.unwrap_or(Value::Null))
    }

    fn resolve_optional(&self, value: &Value) -> Result<Option<Value>, Error> {
        match value {
            Value::Array(items) => {
                let items = items.iter().filter_map(|item| self.resolve_optional(item).transpose());
                items.collect::<Result<_, _>>().map(|items| Some(Value::Array(items)))
            }
            Value::Object(pairs) => match single(pairs) {
                Some((name, argument)) if name == "Ref" || name.starts_with("Fn::") => {
                    self.call(name, argument)
                }
                _ => self.resolve_pairs(pairs).map(Some),
            },
            scalar => Ok(Some(scalar.clone())),
        }
    }

    fn resolve_pairs(&self, pairs: &Map<String, Value>) -> Result<Value, Error> {
        let mut resolved = Map::new();
        for (key, value) in pairs {
            if let Some(value) = self.resolve_optional(value)? {
                resolved.insert(key.clone(), value);
            }
        }
        Ok(Value::Object(resolved))
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>, Error> {
        match name {
            "Ref" => self.reference(text(argument)?),
            "Fn::GetAtt" => {
                let parts: Vec<String> = self.texts(argument)?;
                self.attribute(&parts.join(".")).map(Some)
            }
            "Fn::Sub" => self.substitute(argument).map(|text| Some(Value::String(text))),
            "Fn::Join" => {
                let (separator, parts) = pair(argument)?;
                let parts = self.texts(parts)?;
                Ok(Some(Value::String(parts.join(text(separator)?))))
            }
            "Fn::Select" => {
                let (index, items) = pair(argument)?;
                let index = self.resolve(index)?;
                let index = index.as_u64().or_else(|| index.as_str()?.parse().ok());
                let items = self.resolve(items)?;
                index
                    .and_then(|index| items.get(usize::try_from(index).ok()?).cloned())
                    .map(Some)
                    .ok_or_else(|| Error::Shape(format!("Fn::Select finds nothing in {argument}")))
            }
            "Fn::If" => self.choose(argument),
            "Fn::FindInMap" => self.find_in_map(argument).map(Some),
            other => Err(Error::Unsupported(format!("the intrinsic function {other}"))),
        }
    }

    fn reference(&self, name: &str) -> Result<Option<Value>, Error> {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        self.refs.get(name).cloned().map(Some).ok_or_else(|| Error::UnknownName(name.to_owned()))
    }

    fn attribute(&self, path: &str) -> Result<Value, Error> {
        let found = self.attributes.get(path).cloned().map(Value::String);
        found.ok_or_else(|| Error::UnknownName(path.to_owned()))
    }

    fn substitute(&self, argument: &Value) -> Result<String, Error> {
        let (template, own) = match argument {
            Value::String(template) => (template.as_str(), Value::Null),
            _ => {
                let (template, own) = pair(argument)?;
                (text(template)?, self.resolve(own)?)
            }
        };
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, tail) = after
                .split_once('}')
                .ok_or_else(|| Error::Shape(format!("'${{' without '}}' in {template}")))?;
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
            } else {
                out.push_str(&self.named(name, &own)?);
            }
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn named(&self, name: &str, own: &Value) -> Result<String, Error> {
        if let Some(value) = own.get(name) {
            return scalar_text(value);
        }
        if let Some(value) = self.refs.get(name) {
            return scalar_text(value);
        }
        self.attribute(name).and_then(|value| scalar_text(&value))
    }

    fn choose(&self, argument: &Value) -> Result<Option<Value>, Error> {
        match argument.as_array().map(Vec::as_slice) {
            Some([condition, yes, no]) => {
                self.resolve_optional(if self.condition(text(condition)?)? { yes } else { no })
            }
            _ => Err(Error::Shape(format!("Fn::If takes a condition and two values, not {argument}"))),
        }
    }

    fn find_in_map(&self, argument: &Value) -> Result<Value, Error> {
        let keys = self.texts(argument)?;
        let found = keys.iter().try_fold(&self.mappings, |value, key| value.get(key));
        found.cloned().ok_or_else(|| Error::UnknownName(keys.join(".")))
    }

    fn texts(&self, value: &Value) -> Result<Vec<String>, Error> {
        match self.resolve(value)? {
            Value::Array(items) => items.iter().map(scalar_text).collect(),
            other => Err(Error::Shape(format!("expected a list, not {other}"))),
        }
    }

    /// Whether the named condition holds.
    pub(super) fn condition(&self, name: &str) -> Result<bool, Error> {
        let rule = self.conditions.get(name).ok_or_else(|| Error::UnknownName(name.to_owned()))?;
        self.holds(rule)
    }

    fn holds(&self, rule: &Value) -> Result<bool, Error> {
        let Some((name, argument)) = rule.as_object().and_then(single) else {
            return Err(Error::Shape(format!("a condition must be a function, not {rule}")));
        };
        let each =
            || argument.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|rule| self.holds(rule));
        match name.as_str() {
            "Condition" => self.condition(text(argument)?),
            "Fn::Equals" => {
                let (left, right) = pair(argument)?;
                Ok(scalar_text(&self.resolve(left)?)? == scalar_text(&self.resolve(right)?)?)
            }
            "Fn::Not" => Ok(!each().collect::<Result<Vec<_>, _>>()?.contains(&true)),
            "Fn::And" => Ok(!each().collect::<Result<Vec<_>, _>>()?.contains(&false)),
            "Fn::Or" => Ok(each().collect::<Result<Vec<_>, _>>()?.contains(&true)),
            other => Err(Error::Unsupported(format!("the condition function {other}"))),
        }
    }
}

fn single(pairs: &Map<String, Value>) -> Option<(&String, &Value)> {
    if pairs.len() == 1 { pairs.iter().next() } else { None }
}

fn pair(value: &Value) -> Result<(&Value, &Value), Error> {
    match value.as_array().map(Vec::as_slice) {
        Some([first, second]) => Ok((first, second)),
        _ => Err(Error::Shape(format!("expected two values, not {value}"))),
    }
}

fn text(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| Error::Shape(format!("expected a text, not {value}")))
}

/// A text, a number or a boolean as CloudFormation writes it into a text.
pub(super) fn scalar_text(value: &Value) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(bool) => Ok(bool.to_string()),
        other => Err(Error::Shape(format!("expected a text or number, not {other}"))),
    }
}
