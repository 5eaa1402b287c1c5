"""Names under which files commonly keep the columns of a dataset, in order of preference."""

from __future__ import annotations

__all__ = [
    "BASE",
    "CHILD",
    "KNOWN",
    "LEVEL",
    "MODEL",
    "PARENT",
    "PREREQUISITE",
    "ROLE",
    "SCORE",
    "SKILL",
    "SKILLS",
    "SKILL_CLASS",
    "SKILL_ID",
    "SKILL_NAME",
    "STUDENT",
    "TEXT",
    "TEXT_CLASS",
    "TEXT_ID",
    "TEXT_TITLE",
    "WEIGHT",
]

# In tables of pairs, where "id" says little.
TEXT = ("text_id", "text", "item_id", "item", "task_id", "task", "document_id", "document", "doc_id", "doc",
        "question_id", "question", "problem_id", "problem", "exercise_id", "exercise", "ucid", "function",
        "id", "source")  # fmt: skip
SKILL = ("skill_id", "skill", "concept_id", "concept", "kc", "capability", "tag", "keyword", "competency", "topic",
         "target")  # fmt: skip
# In tables with one row for each text, skill or model.
TEXT_ID = ("text_id", "id", "item_id", "task_id", "document_id", "doc_id", "question_id", "problem_id", "item", "task",
           "question", "problem", "function", "text_uri", "uri", "iri", "url", "concept_uri", "key", "uuid", "text",
           "name")  # fmt: skip
SKILL_ID = ("skill_id", "skill", "concept_id", "concept", "kc", "capability", "tag", "id", "skill_uri", "concept_uri",
            "uri", "iri", "url", "key", "uuid", "name", "label")  # fmt: skip
TEXT_TITLE = ("title", "name", "label", "preferred_label", "pref_label", "label_en", "title_en", "name_en", "text",
              "wording", "question_text", "prompt", "stem")  # fmt: skip
TEXT_CLASS = ("class", "text_class", "category", "domain", "subject", "group")
SKILL_NAME = ("name", "skill_name", "label", "title", "term", "preferred_label", "pref_label", "label_en", "name_en",
              "title_en")  # fmt: skip
SKILL_CLASS = ("class", "skill_class", "category", "type", "group")
LEVEL = ("level", "depth")
SKILLS = ("skills", "skill_ids", "concepts", "capabilities", "tags", "keywords", "kcs", "topics", "competencies",
          "requires")  # fmt: skip
WEIGHT = ("weight", "count", "frequency")
MODEL = ("model", "model_id", "model_name", "learner", "student", "student_id", "user", "user_id", "respondent",
         "anon_student_id", "uid", "uuid")  # fmt: skip
SCORE = (
    "score",
    "correct",
    "is_correct",
    "outcome",
    "result",
    "passed",
    "accuracy",
    "acc",
    "value",
    "grade",
    "mark",
    "verdict",
)
ROLE = ("role", "kind")
BASE = ("base", "base_model", "foundation", "parent", "fine_tuned_from", "finetuned_from")
PARENT = ("parent", "parent_id", "parent_skill", "broader", "whole")
CHILD = ("child", "child_id", "child_skill", "narrower", "part", "skill", "skill_id", "id", "name")
STUDENT = ("user_id", "student_id", "student", "anon_student_id", "user", "learner", "learner_id", "uid", "uuid",
           "respondent", "person", "person_id")  # fmt: skip
PREREQUISITE = ("prerequisite", "prerequisite_id", "prereq", "requires", "before", "from")

KNOWN = frozenset({
    *TEXT, *SKILL, *TEXT_ID, *SKILL_ID, *TEXT_TITLE, *TEXT_CLASS, *SKILL_NAME, *SKILL_CLASS, *LEVEL, *SKILLS, *WEIGHT,
    *MODEL, *SCORE, *ROLE, *BASE, *PARENT, *CHILD, *PREREQUISITE, *STUDENT, "problem_name", "step_name", "kc_(default)",
    "kc(default)", "unnamed:_0", "row", "questions", "concepts", "responses", "_id", "_labels", "_start", "_end",
    "_type", "difficulty", "description", "note", "type",
})  # fmt: skip
"""What a header is recognised by."""
