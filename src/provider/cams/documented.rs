//! Alibaba's documented examples, word for word: every parameter survives the conversion of a request to a definition
//! and back, and the client reads the response.

use secrecy::SecretString;
use serde_json::Value;

use super::*;
use crate::model::Millis;
use crate::template::tests::{answering, errors, good};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns every value at a path; `[]` stands for each item of a list.
fn at<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let Some((key, rest)) = path.split_once("[].") else { return value.get(path).into_iter().collect() };
    value[key].as_array().into_iter().flatten().flat_map(|item| at(item, rest)).collect()
}

#[test]
fn the_documented_example_of_every_parameter_makes_a_request_that_is_a_definition_and_again_the_request() {
    let requests = json(include_str!("documented/requests.json"));
    let requests = requests.as_array().unwrap();
    for parameter in json(include_str!("documented/parameters.json")).as_array().unwrap() {
        let (path, example) = (parameter[0].as_str().unwrap(), &parameter[1]);
        assert!(requests.iter().any(|request| at(request, path).contains(&example)), "{path} has no {example}");
    }
    for request in requests {
        let definition = from_details(request).unwrap();
        assert_eq!(good(&serde_json::to_string(&definition).unwrap()), definition, "as a file");
        let mut again = to_request(&definition).unwrap().request;
        // These two are next to the template's parameters.
        (again["Category"], again["Name"]) = (request["Category"].clone(), request["Name"].clone());
        assert_eq!(again, *request);
        assert_eq!(from_details(&again).unwrap(), definition);
    }
}

/// The document masks digits with `*`, and a number has digits.
fn unmasked(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(unmasked),
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(number) if key == "PhoneNumber" => *number = number.replace('*', "0"),
                    value => unmasked(value),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_documented_sample_passes_the_check() {
    for request in json(include_str!("documented/requests.json")).as_array_mut().unwrap() {
        unmasked(request);
        assert_eq!(errors(&from_details(request).unwrap(), to_request), [], "{request}");
    }
}

/// A client whose CAMS gives this response to every request.
fn client(status: &'static str, answer: &'static str) -> CamsClient {
    let account = CamsAccount {
        endpoint: answering(status, answer),
        access_key_id: "testAccessKeyId".into(),
        secret: SecretString::from("testAccessKeySecret"),
        cust_space_id: None,
    };
    CamsClient::new(account, || Millis(0), || "nonce".to_owned()).unwrap()
}

#[tokio::test]
async fn the_documented_answer_is_read() {
    let definition = good("{name: hello_world, language: en, category: UTILITY, components: [{type: BODY, text: Hi}]}");
    let answer = client("200 OK", include_str!("documented/response.json")).create(&definition).await.unwrap();
    assert_eq!(answer.id.as_deref(), Some("8472929283883"));
    assert_eq!(answer.request_id.as_deref(), Some("90E63D28-E31D-1EB2-8939-A9486641****"));
}

#[tokio::test]
async fn each_documented_error_is_reported_with_what_to_do() {
    for (code, message, advice) in [
        ("Product.Unsubscript", "You have not subscribed to the specified product.", "subscribe"),
        ("Ram.PermissionDeny", "You are not authorized to perform the operation.", "RAM"),
        ("Unknown.ResourceOwnerId", "The resource does not belong to the current user.", "CAMS_CUST_SPACE_ID"),
    ] {
        let answer = format!("{{\"RequestId\": \"r\", \"Code\": \"{code}\", \"Message\": \"{message}\"}}");
        let client = client("400 Bad Request", Box::leak(answer.into_boxed_str()));
        let error = client.list(None).await.unwrap_err().to_string();
        assert!(error.contains(&format!("CAMS refused the request with code {code}: {message}")), "{error}");
        assert!(error.contains(advice), "{error}");
    }
    // The missing permission is reported; "None" means nothing.
    let detail = |detail: &str| {
        let answer = format!(
            "{{\"Code\": \"Ram.PermissionDeny\", \"Message\": \"No.\", \"AccessDeniedDetail\": {detail}, \"RequestId\": \"r\"}}"
        );
        client("400 Bad Request", Box::leak(answer.into_boxed_str()))
    };
    let error = detail("{\"AuthAction\": \"cams:List\"}").list(None).await.unwrap_err().to_string();
    assert!(error.contains("Ram.PermissionDeny: No.; access denied: {\"AuthAction\":\"cams:List\"}\n"), "{error}");
    let error = detail("\"None\"").list(None).await.unwrap_err().to_string();
    assert!(error.contains("Ram.PermissionDeny: No.\n"), "{error}");
    // "The system is under flow control": nothing was changed, and it is retried.
    assert!(error_codes::is_throttle("System.LimitControl"));
}
